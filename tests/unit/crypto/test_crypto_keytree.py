"""The tree of compartment keys: down is easy, up and sideways impossible, covering sets minimal and exact."""

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medrec_py.crypto import (
    FIRST_YEAR,
    LAST_YEAR,
    UNDATED,
    CompartmentKey,
    Node,
    NodeKey,
    Path,
    RootKey,
    compartments,
    covering_set,
    derive,
    leaf_for,
    mailbox_key,
    relationship_node,
)
from medrec_py.errors import InvalidInput, KeyNotHeld

TOP = relationship_node(RootKey(bytes(32)), "0x" + "11" * 20, "0x" + "22" * 20, 0)
PERIODS = [*range(FIRST_YEAR, LAST_YEAR + 1), UNDATED]

epochs = st.integers(0, (1 << 32) - 1)
class_numbers = st.integers(0, 63)
prefixes = st.text("01", min_size=1, max_size=8)
paths = st.one_of(
    st.builds(Path),
    st.builds(Path, epochs),
    st.builds(Path, epochs, class_numbers),
    st.builds(Path, epochs, class_numbers, st.one_of(prefixes, st.just("undated"))),
)


def opened(nodes: Iterable[Node], **filters: object) -> set[tuple[int, int, int]]:
    found = list(compartments(nodes, **filters))  # type: ignore[arg-type]
    places = [(leaf.epoch, leaf.class_number, leaf.period) for leaf in found]
    assert len(places) == len(set(places))
    return set(places)


# ── paths ──


@given(paths)
def test_a_path_reads_back_as_written(path: Path) -> None:
    assert Path.parse(str(path)) == path


def test_paths_are_written_as_the_documentation_shows() -> None:
    shown = [Path(), Path(0), Path(0, 3), Path(0, 3, "0111"), Path(0, 3, "undated")]
    assert [str(path) for path in shown] == ["/", "/0", "/0/3", "/0/3/0111", "/0/3/undated"]


@given(st.one_of(st.text(max_size=30), st.text("/0123456789undate ", max_size=16)))
def test_any_text_is_a_path_or_refused(text: str) -> None:
    try:
        path = Path.parse(text)
    except InvalidInput:
        return
    assert str(path) == text


@pytest.mark.parametrize(
    "text", ["", "0", "//", "/00", "/0/", "/0/03", "/0/64", "/4294967296", "/-1", "/0/3/", "/0/3/2", "/0/3/000000000",
             "/0/3/0/0", "/٣", "/0/3/Undated", "/ 0", "/1_0"],
)  # fmt: skip
def test_a_path_with_a_second_spelling_or_out_of_bounds_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        Path.parse(text)


def test_a_path_needs_the_part_before() -> None:
    for parts in [(None, 1, None), (None, None, "0"), (0, None, "0"), (True, 0, None), (0, False, None)]:
        with pytest.raises(InvalidInput):
            Path(*parts)


@given(paths, paths)
def test_covering_is_being_a_prefix(upper: Path, lower: Path) -> None:
    def parts(path: Path) -> tuple[object, ...]:
        years = () if path.years is None else ("undated",) if path.years == "undated" else tuple(path.years)
        return tuple(part for part in (path.epoch, path.class_number) if part is not None) + years

    assert upper.covers(lower) == (parts(lower)[: len(parts(upper))] == parts(upper))


def test_periods_are_years_or_undated() -> None:
    assert Path.of_compartment(0, 0, 1900).years == "00000000"
    assert Path.of_compartment(0, 0, 2155).years == "11111111"
    assert Path.of_compartment(0, 0, 2024).period == 2024
    assert Path.of_compartment(0, 0, UNDATED).period == UNDATED
    for period in (1899, 2156, -1):
        with pytest.raises(InvalidInput):
            Path.of_compartment(0, 0, period)


# ── keys ──


@given(paths, st.data())
def test_any_way_down_leads_to_the_same_key(path: Path, data: st.DataObject) -> None:
    direct = derive(TOP, path)
    stepwise = TOP
    for upper in [Path(path.epoch), Path(path.epoch, path.class_number)]:
        if upper.covers(path):
            stepwise = derive(stepwise, upper)
    if path.years not in (None, "undated"):
        cut = data.draw(st.integers(1, len(path.years or "0")))
        stepwise = derive(stepwise, Path(path.epoch, path.class_number, (path.years or "")[:cut]))
    assert derive(stepwise, path).key == direct.key


@given(paths, paths)
def test_no_node_leads_up_or_sideways(held: Path, wanted: Path) -> None:
    node = derive(TOP, held)
    if held.covers(wanted):
        assert derive(node, wanted).path == wanted
    else:
        with pytest.raises(KeyNotHeld):
            derive(node, wanted)


@given(paths, paths)
def test_two_nodes_never_share_a_key(first: Path, second: Path) -> None:
    same = derive(TOP, first).key.reveal() == derive(TOP, second).key.reveal()
    assert same == (first == second)


def test_all_keys_of_a_class_in_two_epochs_differ() -> None:
    leaves = list(compartments([TOP], classes=[0, 1], epochs=[0, 1]))
    assert len({leaf.key.reveal() for leaf in leaves}) == len(leaves) == 4 * 257


def test_a_leaf_has_a_compartment_key_and_no_other_node_has() -> None:
    assert isinstance(derive(TOP, Path(0, 0, "00000000")).key, CompartmentKey)
    assert isinstance(derive(TOP, Path(0, 0, "undated")).key, CompartmentKey)
    assert isinstance(derive(TOP, Path(0, 0, "0000000")).key, NodeKey)
    with pytest.raises(InvalidInput):
        Node(Path(0, 0), CompartmentKey(bytes(32)))
    with pytest.raises(InvalidInput):
        Node(Path(0, 0, "undated"), NodeKey(bytes(32)))


def test_the_provider_of_epoch_0_reads_nothing_of_epoch_1() -> None:
    provider = [derive(TOP, Path(0))]
    assert leaf_for(provider, 0, 5, 2024) == leaf_for([TOP], 0, 5, 2024)
    assert leaf_for(provider, 1, 5, 2024) is None
    assert opened(provider, classes=[5]) == {(0, 5, period) for period in PERIODS}


def test_a_mailbox_key_comes_from_the_top_only() -> None:
    assert mailbox_key(TOP) == mailbox_key(TOP)
    with pytest.raises(KeyNotHeld):
        mailbox_key(derive(TOP, Path(0)))


# ── covering sets ──

windows = st.tuples(st.integers(1890, 2165), st.integers(1890, 2165))


def smallest(first: int, last: int) -> int:
    """Size of the smallest set of subtrees over the years, by a recursion of its own."""

    def count(low: int, high: int) -> int:
        if high < first or last < low:
            return 0
        if first <= low and high <= last and high - low < 255:
            return 1
        middle = (low + high) // 2
        return count(low, middle) + count(middle + 1, high)

    return count(FIRST_YEAR, LAST_YEAR)


@settings(max_examples=60, deadline=None)
@given(windows, st.booleans(), st.sets(class_numbers, max_size=2), st.sets(st.integers(0, 3), max_size=2))
def test_a_covering_set_covers_exactly_what_was_asked_for_with_the_fewest_nodes(
    window: tuple[int, int], undated: bool, classes: set[int], chosen: set[int]
) -> None:
    first, last = window
    nodes = covering_set([TOP], classes, first, last, include_undated=undated, epochs=chosen)
    periods = [period for period in PERIODS if (undated if period == UNDATED else first <= period <= last)]
    wanted = {(epoch, number, period) for epoch in chosen for number in classes for period in periods}
    assert opened(nodes) == wanted
    for leaf in compartments(nodes):
        assert leaf.key == leaf_for([TOP], leaf.epoch, leaf.class_number, leaf.period)
    whole = undated and first <= FIRST_YEAR and last >= LAST_YEAR
    each = 1 if whole else smallest(first, last) + undated
    assert len(nodes) == each * len(classes) * len(chosen)
    assert all(node.path.class_number is not None for node in nodes)


def test_a_whole_class_is_one_node_and_2024_and_later_few() -> None:
    everything = covering_set([TOP], [3], FIRST_YEAR, LAST_YEAR, include_undated=True, epochs=[0])
    assert [str(node.path) for node in everything] == ["/0/3"]
    recent = covering_set([TOP], [3], 2024, LAST_YEAR, include_undated=False, epochs=[0])
    assert [str(node.path) for node in recent] == ["/0/3/011111", "/0/3/1"]
    assert max(
        len(covering_set([TOP], [3], year, LAST_YEAR, include_undated=False, epochs=[0])) for year in PERIODS[:-1]
    ) == 8  # fmt: skip


def test_epochs_are_counted_by_class() -> None:
    nodes = covering_set(
        [TOP], [1, 2, 3], FIRST_YEAR, LAST_YEAR, include_undated=True, epochs={1: [0], 2: range(3), 9: [0]}
    )
    assert [str(node.path) for node in nodes] == ["/0/1", "/0/2", "/1/2", "/2/2"]


def test_epochs_may_come_from_an_iterator() -> None:
    nodes = covering_set([TOP], [1, 2], FIRST_YEAR, LAST_YEAR, include_undated=True, epochs=iter([0, 1]))
    assert len(nodes) == 4
    assert len(opened([TOP], classes=iter([1, 2]), epochs=iter([0, 1]), first_year=2024, last_year=2024)) == 8


@given(windows, windows)
@settings(max_examples=40, deadline=None)
def test_a_viewer_passes_on_only_what_it_holds(held: tuple[int, int], wanted: tuple[int, int]) -> None:
    nodes = covering_set([TOP], [3], *held, include_undated=False, epochs=[0])
    mine, asked = opened(nodes), {(0, 3, year) for year in PERIODS[:-1] if wanted[0] <= year <= wanted[1]}
    if asked <= mine:
        passed_on = covering_set(nodes, [3], *wanted, include_undated=False, epochs=[0])
        assert opened(passed_on) == asked
        assert passed_on == covering_set([TOP], [3], *wanted, include_undated=False, epochs=[0])
    else:
        with pytest.raises(KeyNotHeld):
            covering_set(nodes, [3], *wanted, include_undated=False, epochs=[0])


def test_compartments_heed_their_filters_and_come_latest_first() -> None:
    nodes = [derive(TOP, Path(0)), derive(TOP, Path(1, 3)), derive(TOP, Path(1, 3, "0"))]
    assert opened(nodes, classes=[3], first_year=2020, last_year=2021, include_undated=False) == {
        (epoch, 3, year) for epoch in (0, 1) for year in (2020, 2021)
    }
    assert opened(nodes, classes=[3], epochs=[1], first_year=2020, last_year=2020) == {(1, 3, 2020), (1, 3, UNDATED)}
    assert opened(nodes, classes=[4], epochs={3: [0]}) == set()
    years = [leaf.period for leaf in compartments(nodes, classes=[3], epochs=[1], include_undated=False)]
    assert years == sorted(years, reverse=True)


def test_a_relationship_node_has_no_end_of_epochs() -> None:
    with pytest.raises(InvalidInput, match="epochs"):
        list(compartments([TOP]))
