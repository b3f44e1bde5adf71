"""Plans for the tests of a session."""

from pathlib import Path

from emgrig.experiment.files.plan import Plan, load_plan

EMOTIONS = ("happiness", "sadness", "fear", "surprise", "disgust", "anger")


def plan_text(
    *, code: str = "P01", n_each: int = 1, length_s: float = 3.0, part_a: str = "", seed: int = 7
) -> str:
    """Return a short plan: rests of 2 s, clips of `length_s`."""
    clips = "".join(
        f'[[part_b.clips]]\nid = "{emotion}{i}"\nfile = "clips/{emotion}{i}.mp4"\n'
        f'emotion = "{emotion}"\nlength_s = {length_s}\n'
        for emotion in EMOTIONS
        for i in range(1, n_each + 1)
    )
    return (
        f'[participant]\ncode = "{code}"\n[part_a]\nrest_s = 3.0\n{part_a}\n'
        f"[part_b]\nseed = {seed}\nbaseline_s = 2\ngap_s = 2\n{clips}"
    )


def write_plan(folder: Path, text: str) -> Path:
    """Write a plan and the clips that `plan_text` names; no film plays in a test."""
    (folder / "clips").mkdir(exist_ok=True)
    for emotion in EMOTIONS:
        for i in range(1, 5):
            (folder / "clips" / f"{emotion}{i}.mp4").write_bytes(b"no film")
    path = folder / "plan.toml"
    path.write_text(text, encoding="utf-8")
    return path


def a_plan(folder: Path, **options: object) -> Plan:
    """Return a short plan."""
    return load_plan(write_plan(folder, plan_text(**options)))  # type: ignore[arg-type]


ONE_MOVEMENT = '[[part_a.movements]]\nchannel = 5\ninstruction = "Smile"\n'
