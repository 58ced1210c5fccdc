"""Plans: what they make, and what is no plan."""

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from common import ROOT
from common.errors import RunError, UsageError
from experiments import ptb_options
from experiments.published import FIGURES
from report.experiment import DRAW, PTB, REGULARISED
from workflow.plan import LONGEST, MOST_RUNS, Plan


def write(folder, content):
    path = folder / "plan.yaml"
    if not isinstance(content, (str, bytes)):
        content = yaml.safe_dump(content, sort_keys=False)
    content = content if isinstance(content, bytes) else content.encode()
    path.write_bytes(content)
    return path


def test_the_papers_plan():
    """Tables 1 to 3: every run is the published one, and none is missing."""
    plan = Plan(ROOT / "plans" / "paper.yaml")
    # In this order, and how each differs from the published experiment.
    plain = {"softmax_gamma": (1.0, None)}
    released = {"compensation": ("paper", "released")}
    expected = {
        "ptb-norm_prop-1-released-plain-softmax": {**released, **plain},
        "ptb-baseline-1": {},
        "ptb-norm_prop-1-released": released,
        "ptb-norm_prop-1-paper": {},
        "ptb-layer_norm-1": {},
        "ptb-batch_norm-1": {},
        "ptb-weight_norm-1": {},
        "draw-norm_prop-1-released": {},
        "draw-baseline-1": {},
        "draw-weight_norm-1": {},
        "draw-layer_norm-1": {},
        "ptb-norm_prop-1-table2": released,
        "ptb-weight_norm-1-gammas-2": {"gamma_x": (None, 2.0), "gamma_h": (None, 2.0)},
        "ptb-norm_prop-1-early-plain-softmax": {
            "compensation": ("paper", "early"),
            **plain,
        },
    }
    assert list(plan.runs) == list(expected)
    for name, about in plan.runs.items():
        experiment = about["experiment"]
        known = {"ptb": PTB, "draw": DRAW}[experiment]
        if name == "ptb-norm_prop-1-table2":
            known = REGULARISED
        options = vars(known.options.parse(about["arguments"]))
        differing = known.changes(options)
        differing.pop("tag", None)
        assert differing == expected[name]
        assert options["regularise" if experiment == "ptb" else "sample"] == (
            name == "ptb-norm_prop-1-table2"
        )
        assert about["epochs"] == known.published(options["model"])["epochs"]
        assert about["data"] == {"ptb": "ptb", "draw": "mnist"}[experiment]
    assert plan.figures == list(FIGURES) and plan.report


@pytest.mark.parametrize("name", ["small", "sample"])
def test_the_other_plans(name):
    plan = Plan(ROOT / "plans" / f"{name}.yaml")
    assert plan.sample is (name == "sample")
    models = {about["arguments"][3] for about in plan.runs.values() if name == "small"}
    assert name == "sample" or models == set(ptb_options.MODELS)


def test_lists_are_combined(tmp_path):
    entry = {"experiment": "draw", "seed": [3, 4], "model": ["baseline", "norm_prop"]}
    plan = Plan(write(tmp_path, {"runs": [entry]}))
    assert list(plan.runs) == [
        f"draw-{model}-{seed}" for seed in (3, 4) for model in ("baseline", "norm_prop")
    ]
    assert (plan.results, plan.figures) == ("results/plan", ["3"])
    entry = {"experiment": "ptb", "gamma-x": [1, 2], "tag": "g{gamma_x}"}
    plan = Plan(write(tmp_path, {"runs": [entry]}))
    assert list(plan.runs) == ["ptb-norm_prop-1-g1", "ptb-norm_prop-1-g2"]
    assert plan.runs["ptb-norm_prop-1-g2"]["arguments"][:2] == ["--gamma-x", "2"]


ENTRY = "runs:\n  - {experiment: ptb, sample: true, units: 4"
# Each level has the one before ten times.
LAUGHS = "a0: &a0 [x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)
MANY = ", ".join(
    f"{name}: [{', '.join(map(str, range(2, 12)))}]"
    for name in ("length", "batch_size", "epochs", "seed", "save_every")
)


@pytest.mark.parametrize(
    "content, line, reason",
    [
        ("results: x\nruns: [", 2, "is not YAML"),
        ("results: x\nruns: [{experiment: mt}]", 2, "should name its experiment"),
        ("runs: [{experiment: ptb}]\nseeds: 3", 2, "unknown key seeds"),
        ("runs: [{experiment: ptb}]\nfigures: [9]", 2, "there is no figure 9"),
        ("runs: [{experiment: ptb, seed: [1, 1]}]", 1, "a second run ptb-norm_prop-1"),
        ("runs:\n- experiment: ptb\n  units: 0", 3, "argument --units: must be"),
        ("runs:\n- experiment: ptb\n  model: all", 3, "list the models"),
        ("runs:\n- experiment: ptb\n  resume: true", 3, "cannot set resume"),
        ("runs:\n- experiment: ptb\n  tag: '{size}'", 3, "no option 'size'"),
        ("runs: [{experiment: draw, model: baseline, gamma_x: 1}]", 1, "has no effect"),
        # Bytes, characters and YAML's own tags
        ("runs: !!python/object/apply:os.system [touch x]", 1, "`name: value`s"),
        (ENTRY + ", seed: !!python/name:os.system x}", 2, "python/name"),
        (ENTRY + ", seed: !!binary x}", 2, "binary"),
        (ENTRY + ", seed: 2001-99-99}", 2, "--seed: '2001-99-99' is not a whole"),
        (ENTRY + ", seed: !!timestamp abc}", 2, "'abc' is not a whole number"),
        (ENTRY + ", seed: !!int abc}", 2, "'abc' is not a whole number"),
        (ENTRY + ", learning_rate: !!float abc}", 2, "'abc' is not a number"),
        (ENTRY + ", seed: !!bool abc}", 2, "'abc' is not a whole number"),
        (ENTRY + ", seed: 0x_}", 2, "'0x_' is not a whole number"),
        (ENTRY + "}\n# \x00", 3, "is not YAML"),
        (b"results: x\n# \xff\nruns: [{experiment: ptb}]", 2, "is not YAML"),
        (ENTRY + ', tag: "\\U00110000"}', 2, "is not YAML"),
        # Depth and size
        ("runs: " + "[" * 5000, None, "nested too deeply"),
        ("runs: " + "{a: " * 3000 + "1" + "}" * 3000, None, "nested too deeply"),
        ("# x\n" * 30_000, None, "larger than plans are"),
        (LAUGHS + "runs: [{experiment: ptb, seed: *a9}]", 1, "unknown key a0"),
        (ENTRY + "}\nresults: [&a [x], [*a, *a]]", 3, "`results` should be"),
        (ENTRY + ", <<: *e}", 2, "is not YAML"),
        ("runs:\n  - {<<: {units: 4}}", 2, "a key should be a name"),
        ("runs: &a [*a]", 1, "should be `name: value`s"),
        (ENTRY + ", seed: &s [*s]}", 2, "`seed` should be a word"),
        (ENTRY + f", {MANY}}}", 2, f"more than {MOST_RUNS:,} runs"),
        (ENTRY + f", generate: 5, prime: {'a' * (LONGEST + 1)}}}", 2, "characters"),
        # What stands where something else belongs
        ("runs: {a: 1}", 1, "`runs` should be a list"),
        ("runs: [~]", 1, "should be `name: value`s"),
        ("runs: [{experiment: [[ptb]]}]", 1, "`experiment` should be a word"),
        (ENTRY + ", seed: {a: 1}}", 2, "`seed` should be a word"),
        (ENTRY + ", seed: []}", 2, "`seed` is an empty list"),
        (ENTRY + "}\nfigures: {1: 2}", 3, "`figures` should be a word"),
        (ENTRY + "}\nreport: 'no'", 3, "`report` should be true or false"),
        (ENTRY + "}\nresults: [a]", 3, "`results` should be a word"),
        (ENTRY + "}\nresults: true", 3, "`results` should be the name"),
        (ENTRY + '}\nresults: "a\\0b"', 3, "cannot be printed"),
        (ENTRY + "}\ndata_dir: [a]", 3, "`data_dir` should be a word"),
        # Keys
        (ENTRY + ", help: true}", 2, "cannot set help"),
        (ENTRY + ", 'results_dir=/x': true}", 2, "a key should be a name"),
        (ENTRY + ", 'evaluate=/x': true}", 2, "a key should be a name"),
        (ENTRY + ", '': true}", 2, "a key should be a name"),
        (ENTRY + ", [1]: true}", 2, "a key should be a name"),
        (ENTRY + ", batch_size: 3, batch-size: 4}", 2, "batch_size is given twice"),
        # Tags
        *(
            (ENTRY + f", tag: '{tag}'}}", 2, "argument --tag: use at most 100 letters")
            for tag in (
                *("{units.foo}", "{units.__class__}", "{units[0]}", "{model[x]}"),
                *("{units:>2000000000}", "{units!x}", "{}", "../x", "$(x)", "a" * 101),
            )
        ),
        (ENTRY + ', generate: 5, prime: "a\\0b"}', 2, "cannot be printed"),
        (ENTRY + ', generate: 5, prime: "\\ud800"}', 2, "cannot be printed"),
    ],
)
def test_what_is_no_plan_is_named_with_its_line(tmp_path, content, line, reason):
    with pytest.raises(UsageError) as caught:
        Plan(write(tmp_path, content))
    message = str(caught.value)
    assert reason in message and len(message) < 2 * LONGEST
    assert line is None or f"plan.yaml, line {line}" in message


@pytest.mark.parametrize("content", ["", "~", "- 1", "abc", "!!python/name:os.system"])
def test_a_plan_is_a_mapping(tmp_path, content):
    with pytest.raises(UsageError, match="plan.yaml: it should hold `runs:`"):
        Plan(write(tmp_path, content))


def test_words_reach_the_programs_as_they_are_written(tmp_path):
    primes = ["--resume", "{wildcards} {x}", "$(id)\n"]
    entry = {"experiment": "ptb", "generate": 5, "tag": ["x-y", "x_y"]}
    runs = [{**entry, "seed": n, "prime": prime} for n, prime in enumerate(primes)]
    plan = Plan(write(tmp_path, {"runs": runs}))
    assert len(plan.runs) == 6
    for number, prime in enumerate(primes):
        about = plan.runs[f"ptb-norm_prop-{number}-x-y"]
        assert ptb_options.parse(about["arguments"]).prime == prime
    content = (
        "runs: [{experiment: draw, units: &u [5], tag: ~, glimpses: *u, seed: 1_0}]"
    )
    plan = Plan(write(tmp_path, content))
    words = plan.runs["draw-norm_prop-10"]["arguments"]
    assert words == ["--units", "5", "--glimpses", "5", "--seed", "1_0"]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            "runs: |- |experiment|: |ptb|draw|[|]|{|}|, |\n|\n  |&a |*a|<<: |!!int "
            "|!!map |? |'|\"|\\x|\\U|tag: |seed: |1|-|~|%|@|`|# |\t|\0|e|> |--- |..."
            "|\x85|\ufeff|=|figures: |results: |report: |{units}".split("|")
        )
    ).map("".join)
)
def test_any_text_is_a_plan_or_named(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(text, encoding="utf-8")
    try:
        Plan(path)
    except UsageError as error:
        assert "any.yaml" in str(error)


def test_a_plan_that_is_not_there(tmp_path):
    with pytest.raises(RunError, match="cannot read the plan"):
        Plan(tmp_path / "plan.yaml")
