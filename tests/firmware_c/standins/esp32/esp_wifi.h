/* Names of ESP-IDF, for the compiler alone: nothing here does anything. */
#ifndef STANDIN_ESP_WIFI_H
#define STANDIN_ESP_WIFI_H
#include "esp_err.h"
#include "esp_netif.h"
typedef struct {
    int nothing;
} wifi_init_config_t;
#define WIFI_INIT_CONFIG_DEFAULT() {0}
enum { WIFI_MODE_AP = 2, WIFI_IF_AP = 1, WIFI_PS_NONE = 0, WIFI_AUTH_WPA2_PSK = 3 };
typedef union {
    struct {
        uint8_t ssid[32];
        uint8_t password[64];
        uint8_t max_connection;
        int authmode;
    } ap;
} wifi_config_t;
esp_err_t esp_wifi_init(const wifi_init_config_t *config);
esp_err_t esp_wifi_set_mode(int mode);
esp_err_t esp_wifi_set_config(int interface, wifi_config_t *config);
esp_err_t esp_wifi_start(void);
esp_err_t esp_wifi_set_ps(int type);
#endif
