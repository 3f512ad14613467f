"""The rules for conditionals of a joint: what they license, and the tempting steps that they do not."""

from __future__ import annotations

import dataclasses

import pytest

from gencompiler.model.nodes import BINARY, REAL, Support
from gencompiler.proof.conditional_rules import Draws, HasConditional, NotProduced, conditional_density
from gencompiler.proof.facts import Fact, Member
from gencompiler.proof.graph import literal
from gencompiler.proof.kernel import RULES, Unproved
from gencompiler.proof.stages import QuantizeStage
from gencompiler.proof.structure import Admissible, Chains, Factorizes, Place, Production

NORMAL = Admissible("Normal", "", (literal(0), literal(1)), REAL, ())
COIN = Admissible("Bernoulli", "logits", (literal(0),), BINARY, ())
FLOW = Chains(REAL, REAL, (), (), ())


def stated(name: str, *parents: str, law: Fact | None = NORMAL, inverted: bool = False) -> Production:
    listed = tuple(Place(p) for p in parents)
    return Production(name, (), (Place(name),), listed, listed, law, inverted)


def joint(*productions: Production) -> Factorizes:
    names = tuple((p.produces[0].variable, ()) for p in productions)
    produced = {n for n, _ in names}
    conditions = {u.variable for p in productions for u in p.listed} - produced
    return Factorizes("p", names, productions, tuple(sorted(conditions)))


def license_(rule: str, whole: Factorizes, targets: tuple[str, ...], given: tuple[str, ...], *names: str) -> Fact:
    """What a rule concludes from the laws of the named equations."""
    laws = [p.law for n in names for p in whole.productions if p.produces[0].variable == n]
    return RULES[rule]((targets, given), (whole, *laws))  # type: ignore[arg-type]


CHAIN = joint(stated("z"), stated("h", "z"), stated("x", "h"))
COLLIDER = joint(stated("a"), stated("b"), stated("c", "a", "b"))


class TestDensity:
    def test_a_joint_and_its_conditionals(self) -> None:
        assert license_("conditional_density", CHAIN, ("x", "h", "z"), (), "z", "h", "x") == HasConditional(
            "p", ("x", "h", "z"), (), CHAIN.productions, "exact"
        )
        assert license_("conditional_density", CHAIN, ("x",), ("h", "z"), "x")
        assert license_("conditional_density", COLLIDER, ("a",), ("b",), "a")

    @pytest.mark.parametrize(
        ("whole", "targets", "given", "laws"),
        [
            (CHAIN, ("x",), (), ("x",)),  # h is hidden
            (CHAIN, ("x",), ("z",), ("x",)),
            (CHAIN, ("z",), ("x",), ("z",)),  # a posterior
            (CHAIN, ("z",), ("h",), ("z",)),
            (COLLIDER, ("a",), ("b", "c"), ("a",)),  # explaining away
            (CHAIN, ("x", "h"), ("h",), ("h", "x")),  # a target that is given
            (CHAIN, ("x",), ("h", "x"), ("x",)),
            (CHAIN, ("x", "x"), ("h",), ("x",)),
            (CHAIN, (), ("h",), ()),
            (CHAIN, ("y",), (), ()),
            (CHAIN, ("x",), ("h",), ()),  # a law left out
            (CHAIN, ("x",), ("h",), ("x", "h")),  # one too many
            (joint(stated("z", law=None)), ("z",), (), ("z",)),  # stated by ∝
        ],
    )
    def test_what_is_not_licensed(
        self, whole: Factorizes, targets: tuple[str, ...], given: tuple[str, ...], laws: tuple[str, ...]
    ) -> None:
        with pytest.raises(Unproved):
            license_("conditional_density", whole, targets, given, *laws)

    def test_another_law_is_not_taken_for_an_equation_s_own(self) -> None:
        with pytest.raises(Unproved, match="law is not known"):
            conditional_density(
                (("x",), ("h",)), (CHAIN, dataclasses.replace(NORMAL, arguments=(literal(1), literal(1))))
            )

    def test_a_pipeline_gives_the_density_of_its_base(self) -> None:
        whole = joint(stated("z"), stated("x", "z", law=FLOW), stated("y", "x"))
        found = license_("conditional_density", whole, ("x", "y"), (), "z", "x", "y")
        assert isinstance(found, HasConditional) and found.kind == "exact"
        for targets, given in ((("x",), ("z",)), (("x", "z"), ()), (("x",), ("y",))):
            with pytest.raises(Unproved):
                license_("conditional_density", whole, targets, given, "z", "x")

    def test_a_pipeline_that_mentions_its_own_source_has_no_density(self) -> None:
        """`x = z |> F` with F(u) = u - z is 0, whatever z is."""
        whole = joint(stated("z"), stated("x", "z", "z", law=FLOW))
        with pytest.raises(Unproved, match="its own source"):
            license_("conditional_density", whole, ("x",), (), "z", "x")

    def test_a_pipeline_needs_what_its_maps_are_conditioned_on(self) -> None:
        whole = joint(stated("z"), stated("h"), stated("x", "z", "h", law=FLOW))
        assert license_("conditional_density", whole, ("x",), ("h",), "z", "x")
        assert license_("conditional_density", whole, ("x", "h"), (), "z", "h", "x")
        with pytest.raises(Unproved, match="needs what is not known"):
            license_("conditional_density", whole, ("x",), (), "z", "x")

    def test_what_is_computed_on_the_way_must_be_proven_too(self) -> None:
        """`h = f(z)` is a scale of x: that it is positive is a premise."""
        value = Member(literal(1), Support("Positive"))
        whole = joint(stated("z"), stated("h", "z", law=value), stated("x", "h"))
        assert license_("conditional_density", whole, ("x",), ("z",), "h", "x")
        with pytest.raises(Unproved, match="law is not known"):
            license_("conditional_density", whole, ("x",), ("z",), "x")

    def test_two_pipelines_from_one_base_have_no_joint_density(self) -> None:
        whole = joint(stated("z"), stated("x", "z", law=FLOW), stated("y", "z", law=FLOW))
        with pytest.raises(Unproved):
            license_("conditional_density", whole, ("x", "y"), (), "z", "x", "y")

    def test_quantization_leaves_a_bound(self) -> None:
        coarse = dataclasses.replace(FLOW, stages=(QuantizeStage(4, ()),))
        found = license_("conditional_density", joint(stated("z"), stated("x", "z", law=coarse)), ("x",), (), "z", "x")
        assert isinstance(found, HasConditional) and found.kind == "bound"
        backwards = joint(stated("z"), stated("x", "z", law=coarse, inverted=True))
        with pytest.raises(Unproved):
            license_("conditional_density", backwards, ("x",), (), "z", "x")

    def test_what_a_quantization_leaves_makes_it_exact(self) -> None:
        """p(x, u) is exact; neither x nor u alone follows, and a `u` that is no product of the pipeline is refused."""
        fine = dataclasses.replace(FLOW, stages=(QuantizeStage(4, (), Support("Unit")),))
        made = dataclasses.replace(stated("x", "z", law=fine), produces=(Place("x"), Place("u")))
        whole = joint(stated("z"), made)
        found = license_("conditional_density", whole, ("x", "u"), (), "z", "x")
        assert isinstance(found, HasConditional) and found.kind == "exact"
        for alone in ("x", "u"):
            with pytest.raises(Unproved, match="not both asked for"):
                license_("conditional_density", whole, (alone,), (), "z", "x")
        with pytest.raises(Unproved):
            license_("conditional_density", whole, ("u",), ("x",), "z", "x")
        for law in (dataclasses.replace(FLOW, stages=(QuantizeStage(4, ()),)), FLOW):
            wrong = joint(stated("z"), dataclasses.replace(made, law=law))
            with pytest.raises(Unproved, match="does not make"):
                license_("conditional_density", wrong, ("x", "u"), (), "z", "x")
        with pytest.raises(Unproved, match="no draw keeps"):
            license_("ancestral", whole, ("x", "u"), (), "z", "x")
        assert license_("ancestral", whole, ("x",), (), "z", "x")


class TestMarginals:
    FINITE = joint(stated("z", law=COIN), stated("x", "z"))

    def test_a_finite_variable_is_summed_out(self) -> None:
        assert license_("conditional_marginal", self.FINITE, ("x",), (), "z", "x")
        with pytest.raises(Unproved, match="neither finite nor Normal"):
            whole = joint(stated("z", law=dataclasses.replace(NORMAL, family="Laplace")), stated("x", "z"))
            license_("conditional_marginal", whole, ("x",), (), "z", "x")

    @pytest.mark.parametrize(
        ("targets", "given", "laws", "said"),
        [
            ((), (), (), "no targets"),
            (("x",), ("x",), ("x",), "one that is given"),
            (("w",), (), (), "no equation gives"),
            (("z",), ("x",), ("z",), "depends on the targets"),
            (("y",), (), ("z", "y"), "`y` has no density"),
            (("z",), (), ("z",), "nothing is hidden"),
            (("x",), (), ("x",), "law is not known"),
        ],
    )
    def test_what_is_not_summed_out(
        self, targets: tuple[str, ...], given: tuple[str, ...], laws: tuple[str, ...], said: str
    ) -> None:
        whole = joint(stated("z", law=COIN), stated("x", "z"), stated("y", "z", law=FLOW))
        with pytest.raises(Unproved, match=said):
            license_("conditional_marginal", whole, targets, given, *laws)

    def test_what_is_given_may_not_descend_from_what_is_summed(self) -> None:
        whole = joint(stated("z", law=COIN), stated("x", "z"), stated("y", "z"))
        assert license_("conditional_marginal", whole, ("x", "y"), (), "z", "x", "y")
        with pytest.raises(Unproved, match="depends on the targets"):
            license_("conditional_marginal", whole, ("x",), ("y",), "z", "x")

    @pytest.mark.parametrize("rule", ["conditional_density", "conditional_marginal", "ancestral"])
    def test_laws_are_those_of_a_factorization(self, rule: str) -> None:
        with pytest.raises(Unproved, match="no factorization"):
            RULES[rule]((("z",), ()), (NORMAL, NORMAL))

    def test_bayes_needs_one_condition_and_two_conditionals(self) -> None:
        whole = joint(stated("g"), stated("z", "g", law=COIN), stated("x", "z", "g"))
        above = license_("conditional_density", whole, ("z", "x"), ("g",), "z", "x")
        below = license_("conditional_marginal", whole, ("x",), ("g",), "z", "x")
        assert RULES["bayes"]((("z",), ("x", "g")), (above, below))
        assert isinstance(below, HasConditional)
        other = dataclasses.replace(below, given=())
        for given in (("x",), ("x", "g")):
            with pytest.raises(Unproved):
                RULES["bayes"]((("z",), given), (above, other))
        with pytest.raises(Unproved, match="two conditionals"):
            RULES["bayes"]((("z",), ("x", "g")), (above, NORMAL))

    def test_bayes(self) -> None:
        above = license_("conditional_density", self.FINITE, ("z", "x"), (), "z", "x")
        below = license_("conditional_marginal", self.FINITE, ("x",), (), "z", "x")
        found = RULES["bayes"]((("z",), ("x",)), (above, below))
        assert found == HasConditional("p", ("z",), ("x",), self.FINITE.productions, "exact")
        for targets, given in ((("z",), ()), (("x",), ("z",)), (("z", "x"), ("x",))):
            with pytest.raises(Unproved):
                RULES["bayes"]((targets, given), (above, below))
        assert isinstance(below, HasConditional)
        for wrong in ({"given": ("z",)}, {"joint": "q"}, {"kind": "bound"}):
            with pytest.raises(Unproved):
                RULES["bayes"]((("z",), ("x",)), (above, dataclasses.replace(below, **wrong)))


class TestDraws:
    def test_a_target_is_not_given(self) -> None:
        with pytest.raises(Unproved, match="a target that is given"):
            license_("ancestral", CHAIN, ("x",), ("x",))

    def test_ancestors_are_drawn_on_the_way(self) -> None:
        assert license_("ancestral", CHAIN, ("x",), (), "z", "h", "x") == Draws("p", ("x",), (), CHAIN.productions)
        assert license_("ancestral", CHAIN, ("x",), ("h",), "x")

    @pytest.mark.parametrize(
        ("whole", "targets", "given", "laws"),
        [
            (CHAIN, ("z",), ("x",), ("z",)),
            (CHAIN, ("x",), ("z", "x"), ("x",)),
            (COLLIDER, ("a",), ("c",), ("a",)),
            (CHAIN, ("x",), (), ("x",)),  # the laws of the ancestors left out
            (joint(stated("x", "w")), ("x",), (), ("x",)),  # nothing gives w
            (joint(stated("z", law=None)), ("z",), (), ("z",)),
        ],
    )
    def test_what_is_not_licensed(
        self, whole: Factorizes, targets: tuple[str, ...], given: tuple[str, ...], laws: tuple[str, ...]
    ) -> None:
        with pytest.raises(Unproved):
            license_("ancestral", whole, targets, given, *laws)


def test_a_missing_equation_is_definite_only_where_one_is_missing() -> None:
    productions = CHAIN.productions
    assert RULES["not_produced"](("p", ("y",), productions), ()) == NotProduced("p", ("y",), productions)
    with pytest.raises(Unproved):
        RULES["not_produced"](("p", ("x", "z"), productions), ())
