"""tests/models: every interleaving of the protocols between cores, with and without their faults."""

from models.explore import Found, explore
from models.protocols import MODELS

from .suite import Case, Check


def run_model(case, model):
    try:
        states = explore(model())
        checks = [Check(f"{case.name} holds in all of {states} states", True)]
    except Found as found:
        checks = [Check(f"{case.name} holds", False, str(found))]
    for fault in model.faults:
        try:
            explore(model(fault))
            checks.append(Check(f"{case.name} catches {fault}", False, "no bad state is reached"))
        except Found:
            checks.append(Check(f"{case.name} catches {fault}", True))
    return checks


def cases(tier):
    if tier != "fast":
        return
    for model in MODELS:
        yield Case("model", model.__name__.lower(), "any", 0,
                   lambda case, model=model: run_model(case, model), cost=1)
