"""``python -m vnlp_prep`` is ``vnlp-prep``."""

from vnlp_prep.cli import main

if __name__ == "__main__":
    main()
