import re

from sac_son_nav.evaluation.tables import Item, Table, html, markdown, text

TABLE = Table(
    ("planner", "time [s]"),
    [[Item("a"), Item("9.5", 9.5, "[9.0, 10.0]")], [Item("b | <script>x</script>"), Item("–", float("nan"))]],
)


def test_markdown_escapes_what_it_would_read_as_its_own() -> None:
    lines = markdown(TABLE).splitlines()
    assert lines == [
        "| planner | time [s] |",
        "|---|---:|",
        "| a | 9.5 [9.0, 10.0] |",
        r"| b \| \<script>x\</script> | – |",
    ]


def test_a_terminal_sees_columns() -> None:
    assert text(Table(("planner", "time"), [[Item("abc"), Item("9.5", 9.5)], [Item("d"), Item("10.25", 10.25)]])) == (
        "planner   time\nabc        9.5\nd        10.25"
    )


def test_html_escapes_everything_and_says_what_to_sort_by() -> None:
    written = html(TABLE)
    assert "<script>" not in written
    assert "b | &lt;script&gt;x&lt;/script&gt;" in written
    assert re.findall(r'data-value="([^"]*)"', written) == ["9.5", ""]
    assert written.count("<tr>") == written.count("</tr>") == 3
    assert written.count("<th ") == written.count("</th>") == 4
