"""Table 7 beside the answer that never looks, as `emgrig reproduce` and `emgrig grid` print it."""

from emgrig.analysis.paper.annotations import Expression
from emgrig.analysis.paper.reproduce import trivial_rows
from emgrig.tools.common.output import print_table


def print_trivial(expressions: list[Expression]) -> None:
    """Print the figures of table 7 beside those of 0.3 s from each end of the clip."""
    title = "Table 7 beside the answer that never looks: 0.3 s from each end of the clip"
    print_table(("figure", "table 7", "trivial answer"), trivial_rows(expressions), title=title)
