"""What a run says of the machine it ran on."""

from runs import facts

CORE = """processor	: 0
cpu family	: {family}
model		: 17
model name	: AMD EPYC
stepping	: 1
"""


def test_two_generations_of_a_processor_differ(tmp_path):
    found = []
    for family in (25, 26):
        path = tmp_path / str(family)
        path.write_text(CORE.format(family=family) * 2)
        found.append(facts.processor(path))
    assert found == ["AMD EPYC (family 25, model 17)", "AMD EPYC (family 26, model 17)"]


def test_a_processor_without_a_name_is_named_after_its_kind(tmp_path):
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nFeatures\t: fp asimd\n")
    kind = facts.processor(tmp_path / "missing")
    assert kind and facts.processor(tmp_path / "cpuinfo") == kind
