"""Mixed models: a random intercept for each participant, since expressions of one are alike.

statsmodels is imported here alone, when such a model is asked for.
"""

import warnings

import numpy as np

from emgrig.analysis.signal.filters import Floats
from emgrig.extras import require
from emgrig.study.settings import Statistics
from emgrig.study.statistics.external import MEASURES
from emgrig.study.statistics.findings import Finding, Sample, Table, said, said_interval, said_p


def mixed_models(sample: Sample, settings: Statistics) -> Finding:
    """Fit ln(measure) ~ kind + (1 | participant) for MVC%, iEMG and duration.

    Raises
    ------
    MissingExtra
        If statsmodels is not installed.
    """
    require("statsmodels.api", "mixed", "a mixed model")
    rows: list[tuple[str, ...]] = []
    numbers: dict[str, float] = {}
    notes: list[str] = []
    for label, name, _ in MEASURES:
        values: Floats = getattr(sample, name)
        is_known = np.isfinite(values) & (values > 0)
        groups = np.array([row.participant for row in sample.rows])[is_known]
        if len(set(groups.tolist())) < 3 or len(set(sample.is_micro[is_known].tolist())) < 2:
            notes.append(f"{label}: three participants and both kinds are needed.")
            continue
        row, ratio, said_warning = _fit(
            label, np.log(values[is_known]), sample.is_micro[is_known], groups, settings.level
        )
        rows.append(row)
        numbers[f"mixed.{name}.ratio"] = ratio
        notes += [f"{label}: {said_warning}."] if said_warning else []
    share = f"{100 * settings.level:g} %"
    head = ("measure", "MaE over ME, geometric means", share, "z", "p", "ICC", "N", "participants")
    notes.append(
        "ln(measure) ~ kind + (1 | participant), restricted maximum likelihood; ICC: share of the "
        "variance, kind apart, that lies between participants."
    )
    title = "Mixed models by participant"
    return Finding(Table("mixed", title, head, tuple(rows), tuple(notes)), numbers)


def _fit(
    label: str, y: Floats, is_micro: np.ndarray, groups: np.ndarray, level: float
) -> tuple[tuple[str, ...], float, str]:
    from statsmodels.regression.mixed_linear_model import MixedLM

    design = np.column_stack([np.ones(y.size), ~is_micro]).astype(np.float64)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = MixedLM(y, design, groups=groups)
        fitted = model.fit(reml=True)
        if not fitted.converged:
            fitted = model.fit(reml=True, method="powell")
    between, within = float(np.asarray(fitted.cov_re)[0, 0]), float(fitted.scale)
    low, high = np.exp(np.asarray(fitted.conf_int(1 - level))[1])
    ratio = float(np.exp(fitted.params[1]))
    row = (
        label,
        said(ratio),
        said_interval((float(low), float(high))),
        said(float(fitted.tvalues[1])),
        said_p(float(fitted.pvalues[1])),
        said(between / (between + within)),
        str(y.size),
        str(len(set(groups.tolist()))),
    )
    said_warning = "" if fitted.converged else "the fit did not converge"
    if not said_warning and between < 1e-6 and caught:
        said_warning = "the variance between participants is estimated as 0"
    return row, ratio, said_warning
