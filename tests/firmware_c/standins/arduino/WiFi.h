/* Names of the ESP32 core 3 for Arduino, for the compiler alone. */
#ifndef STANDIN_WIFI_H
#define STANDIN_WIFI_H
#include <stddef.h>
#include <stdint.h>
class WiFiClient
{
  public:
    int available();
    int read(uint8_t *bytes, size_t n);
    int fd() const;
    uint8_t connected();
    void stop();
    int setNoDelay(bool is_on);
    operator bool();
};
class WiFiServer
{
  public:
    explicit WiFiServer(uint16_t port = 80, uint8_t max_clients = 4);
    WiFiClient accept();
    void begin(uint16_t port = 0);
};
struct WiFiClass {
    bool softAP(const char *ssid, const char *password);
    bool setSleep(bool is_on);
};
extern WiFiClass WiFi;
struct EspClass {
    void restart();
};
extern EspClass ESP;
#endif
