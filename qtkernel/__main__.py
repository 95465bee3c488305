"""``python -m qtkernel``."""

from qtkernel.app import main

if __name__ == "__main__":
    main()
