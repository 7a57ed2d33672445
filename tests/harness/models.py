"""tests/models: every interleaving of the protocols between cores, with and without their faults."""

import subprocess
import sys

from models.protocols import MODELS

from .machine import ROOT
from .suite import Case, Check


def explore(*words):
    """(whether no bad state is reached, what it says), in a process of its own: this one has others to look after."""
    done = subprocess.run([sys.executable, "-B", "-m", "models", *words], cwd=ROOT / "tests", check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode == 0, done.stdout.strip()


def run_model(case, model):
    holds, text = explore(model.__name__)
    checks = [Check(f"{case.name} holds in all of {text} states" if holds else f"{case.name} holds", holds, text)]
    for fault in model.faults:
        missed, text = explore(model.__name__, fault)
        caught = not missed and "Traceback" not in text
        checks.append(Check(f"{case.name} catches {fault}", caught, text))
    return checks


def cases(tier):
    if tier != "fast":
        return
    for model in MODELS:
        yield Case("model", model.__name__.lower(), "any", 0,
                   lambda case, model=model: run_model(case, model), cost=1)
