"""What BIDS says of a whole recording: the *_emg.json."""

from emgrig.recording.export import bids_channels
from emgrig.recording.export.bids_channels import SRB1, Told, is_emg
from emgrig.recording.export.bids_table import NOT_KNOWN
from emgrig.recording.export.source import Part
from emgrig.recording.sidecar import Json


def emg_json(part: Part, task: str, told: Told, mains_hz: float | None) -> Json:
    """Return what an *_emg.json says: how a recording of a task was made, and with what.

    `told` is what only its maker knows of the electrodes, `mains_hz` 50, 60, or None if not told.
    """
    measured = [channel for channel in part.channels if is_emg(channel)]
    references = {bids_channels.reference_of(part, channel) for channel in measured}
    board, made_by = part.section("board"), part.section("software")
    kind = f"{'simulated ' if part.is_simulated else ''}{part.converter} board"
    places = bids_channels.placed(part)
    said = bids_channels.PLACEMENT if places else "The places of the electrodes were not recorded."
    bias = "bias electrode, driven by the bias amplifier of the board; its place was not recorded"
    return {
        "TaskName": task,
        "TaskDescription": NOT_KNOWN,
        "Instructions": NOT_KNOWN,
        "InstitutionName": NOT_KNOWN,
        "InstitutionAddress": NOT_KNOWN,
        "InstitutionalDepartmentName": NOT_KNOWN,
        "Manufacturer": "none: simulated" if part.is_simulated else NOT_KNOWN,
        "ManufacturersModelName": f"{kind}, {_chips(part)}",
        "DeviceSerialNumber": board["serial_number"],
        "SoftwareVersions": f"recorded by {made_by['recorded_by'] or NOT_KNOWN}, "
        f"converted by {made_by['converted_by']}, firmware {board['firmware'] or NOT_KNOWN}",
        "ElectrodeManufacturer": NOT_KNOWN,
        "ElectrodeManufacturersModelName": NOT_KNOWN,
        "ElectrodeType": told.electrode_type,
        "ElectrodeMaterial": told.material,
        "EMGPlacementScheme": "Other",
        "EMGPlacementSchemeDescription": said,
        "EMGReference": SRB1 if references == {SRB1} else "ChannelSpecific",
        "EMGGround": bias if bids_channels.has_bias(part) else NOT_KNOWN,
        "EMGChannelCount": len(measured),
        "SamplingFrequency": part.rate_hz,
        "PowerLineFrequency": NOT_KNOWN if mains_hz is None else mains_hz,
        "RecordingType": "continuous",
        "RecordingDuration": part.duration_s,
        "HardwareFilters": NOT_KNOWN
        if part.section("band")["high_hz"] is None
        else {
            "sinc3 of the ADS1299": {
                "Low-pass -3 dB cutoff (Hz)": part.section("band")["high_hz"],
                "High-pass": "none",
            }
        },
        "SoftwareFilters": NOT_KNOWN,
        "SubjectArtefactDescription": NOT_KNOWN,
        "IsSimulated": part.is_simulated,
        "ScaleIs": "stated" if any(c.is_stated for c in part.channels) else "read back",
        "LossIs": part.loss_is,
    }


def _chips(part: Part) -> str:
    board = part.section("board")
    count = len(part.registers) or board["chip_count"]
    channels = board["channels_per_chip"]
    return f"{channels} channels" if count == 1 else f"{count} chips of {channels} channels"
