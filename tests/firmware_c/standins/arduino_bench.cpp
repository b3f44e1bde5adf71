/* What the shim of Arduino asks for. */
void setup() {}
void loop() {}
