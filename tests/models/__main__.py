"""python3 -m models NAME [FAULT]: the number of states, status 0; or the bad state that is reached, status 1."""

import sys

from .explore import Found, explore
from .protocols import MODELS


def main(name, fault=None):
    model = {m.__name__: m for m in MODELS}[name]
    try:
        print(explore(model(fault)))
        return 0
    except Found as found:
        print(found)
        return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
