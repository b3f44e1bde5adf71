#!/bin/sh
# EMG laboratories keep trials in .mat files as MATLAB tables. One would guess that loadmat reads a
# table, or raises under its name. scipy 1.17.1 puts it under the key "None" as an opaque number
# array: the name of the variable is no key, `variable_names=["trials"]` finds nothing and says
# nothing, and of two tables in one file only the last is left (that it warns of). whosmat on the same
# file raises a TypeError that names neither table nor variable. The values are in the file:
# mat-io 1.0.2, which also made the file here, reads them as a DataFrame.
# Instead: read .mat files with tables by mat-io, or write table2array / struct from MATLAB.
#
# Output seen:
#     scipy 1.17.1
#     mat-io 1.0.2
#     two tables, trials and rest; loadmat gives: ['None']
#     warning: Duplicate variable name "None" in stream - replacing previous with new
#     loadmat of a file with one table, variable_names=['trials']: []
#     whosmat: TypeError: 'NoneType' object is not iterable
#     mat-io gives both tables as they were: True
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q scipy==1.17.1 numpy==2.4.6 mat-io==1.0.2
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import sys
import warnings
from importlib.metadata import version

import matio
import pandas as pd
import scipy.io

for name in ("scipy", "mat-io"):
    print(name, version(name))
rest = pd.DataFrame({"zygomaticus": [1.0, 2.0]})
trials = pd.DataFrame({"zygomaticus": [30.0, 40.0]})
matio.save_to_mat("emg.mat", {"trials": trials, "rest": rest}, version="v7")
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    names = [name for name in scipy.io.loadmat("emg.mat") if not name.startswith("__")]
warned = str(caught[0].message).splitlines()[0] if caught else ""
print("two tables, trials and rest; loadmat gives:", names)
print("warning:", warned)
matio.save_to_mat("one.mat", {"trials": trials}, version="v7")
asked = scipy.io.loadmat("one.mat", variable_names=["trials"])
asked = [name for name in asked if not name.startswith("__")]
print("loadmat of a file with one table, variable_names=['trials']:", asked)
try:
    listed = str(scipy.io.whosmat("one.mat"))
except TypeError as error:
    listed = f"TypeError: {error}"
print("whosmat:", listed)
back = matio.load_from_mat("emg.mat")
whole = all(back[name].equals(table) for name, table in (("trials", trials), ("rest", rest)))
print("mat-io gives both tables as they were:", whole)
sys.exit(names != ["None"] or asked != [] or not listed.startswith("TypeError") or not whole)
PY
