"""The Lab Streaming Layer (LSL): samples and markers out, others' markers in."""
