import pytest

from kernel.reading import (
    DoubleKeys,
    FaultList,
    Wrong,
    boolean,
    name_text,
    one_of,
    path_text,
    read_fields,
    whole_number,
)

FIELDS = {"name": name_text, "count": whole_number(0, 9), "open": boolean, "kind": one_of({"a": 1, "b": 2})}


def faults_of(raw, required=("name", "count"), **options):
    faults = FaultList(("name", "count"))
    read_fields(raw, FIELDS, required, (), faults, **options)
    return [fault.path for fault in faults.in_order_of(raw)]


def test_faults_stand_in_the_order_of_the_document_and_missing_fields_after_them():
    assert faults_of({"kind": "c", "more": 1, "open": 0}) == ["kind", "more", "open", "name", "count"]


def test_null_means_left_out():
    assert faults_of({"name": None, "kind": None, "open": 1}) == ["open", "name", "count"]


def test_null_is_a_value_where_it_is_said_so():
    assert faults_of({"kind": None}, required=(), null_is_left_out=False) == ["kind"]


def test_an_unknown_field_is_a_fault_even_if_it_is_null():
    assert faults_of({"name": "x", "nmae": None, "count": 1}) == ["nmae"]


@pytest.mark.parametrize("value", [True, 3.0, "3", None, -1, 10, [], {}])
def test_a_whole_number_is_a_json_integer_within_its_limits(value):
    with pytest.raises(Wrong):
        whole_number(0, 9)(value)


@pytest.mark.parametrize("value", [0, 1, "true", None, []])
def test_a_boolean_is_true_or_false_and_nothing_like_it(value):
    with pytest.raises(Wrong):
        boolean(value)


@pytest.mark.parametrize("value", ["", 5, None, ["a"], {}])
def test_a_name_is_a_string_that_is_not_empty(value):
    with pytest.raises(Wrong):
        name_text(value)


@pytest.mark.parametrize("value", ["c", 1, None, ["a"], {}])
def test_a_choice_is_one_of_the_texts(value):
    with pytest.raises(Wrong):
        one_of({"a": 1})(value)


def test_a_key_that_stands_twice_is_a_fault_at_its_later_place():
    raw = DoubleKeys([("name", "x"), ("kind", "c"), ("name", "y"), ("count", 1)])

    assert faults_of(raw) == ["kind", "name"]
    assert raw["name"] == "y"


def test_faults_inside_follow_the_fault_of_what_holds_them():
    raw = {"work": [{"b": 1, "a": 2}], "z": 0}
    faults = FaultList(("c",))
    for path in [("z",), ("work", 0, "a"), ("work", 0, "b"), ("work",)]:
        faults.add(path, "no")
    faults.add_missing(("work", 0, "c"))
    faults.add_missing(("gone", "c"))

    paths = [fault.path for fault in faults.in_order_of(raw)]

    assert paths == ["work", "work[0].b", "work[0].a", "work[0].c", "z", "gone.c"]


def test_a_path_is_written_as_people_read_it():
    assert path_text(("work", 0, "items", 1, "weight")) == "work[0].items[1].weight"
    assert path_text(()) == ""
