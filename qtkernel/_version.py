"""The version, in the one place that packaging and kernel_info both read."""

__version__ = "0.1.0"
