"""The two claims that ``./reproduce figures`` measures: variance and gradient kept."""

from statistics import mean

# Var[h_t] that counts as kept, and the steps that it may take to get there.
KEPT, SETTLED = (0.8, 1.25), 9


def variance_kept(variances):
    """Judge the variances that ``./reproduce figures`` measured."""
    if not variances:
        return ["Not measured yet: `./reproduce figures` does."]
    sentences = []
    for curve in variances["curves"]:
        if curve["model"] != "norm_prop":
            continue
        states = curve["states"]
        # The states start at zero, so that the first steps are a transient.
        low, high = min(states[SETTLED:]), max(states[SETTLED:])
        word = (
            "agrees" if KEPT[0] <= low and high <= KEPT[1] else "contradicts the claim"
        )
        sentences.append(
            f"{curve['when'].capitalize()} ({curve['source']}): Var[h_t] is "
            f"{states[0]:.2f} at step 1 and between {low:.2f} and {high:.2f} from step "
            f"{SETTLED + 1} to {len(states)}; Var[c_t] is {curve['cells'][-1]:.2f} at "
            f"the end, where {curve['assumed_cells']:.2f} was assumed: **{word}**, if "
            f"between {KEPT[0]} and {KEPT[1]} counts as kept."
        )
    return sentences


def gradient_kept(gradients):
    """How often the norm of Figure 1 is below 1, on both sides of the diagonal."""
    if not gradients:
        return ["Not measured yet: `./reproduce figures` does."]
    sentences = []
    for kind in ("computed", "measured"):
        for gamma_c, plane in zip(gradients["gamma_c"], gradients[kind]):
            sides = {True: [], False: []}
            for gamma_x, row in zip(gradients["gammas"], plane):
                for gamma_h, norm in zip(gradients["gammas"], row):
                    if gamma_x != gamma_h:
                        sides[gamma_x > gamma_h].append(norm)
            shares = {
                side: sum(norm < 1 for norm in norms) / len(norms)
                for side, norms in sides.items()
            }
            word = "agrees" if shares[True] > shares[False] else "contradicts the claim"
            sentences.append(
                f"{kind.capitalize()}, gamma_c {gamma_c:g}: the norm is below 1 at "
                f"{shares[True]:.0%} of the points where gamma_x is the larger (mean "
                f"{mean(sides[True]):.2f}) and at {shares[False]:.0%} of those where "
                f"gamma_h is (mean {mean(sides[False]):.2f}): **{word}**."
            )
    return sentences
