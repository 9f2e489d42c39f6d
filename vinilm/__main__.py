"""``python -m vinilm`` is ``vinilm``."""

from vinilm.cli import main

if __name__ == "__main__":
    main()
