#ifndef STANDIN_ESP_NETIF_H
#define STANDIN_ESP_NETIF_H
#include "esp_err.h"
#include <stdint.h>
typedef struct esp_netif_obj esp_netif_t;
esp_err_t esp_netif_init(void);
esp_netif_t *esp_netif_create_default_wifi_ap(void);
#endif
