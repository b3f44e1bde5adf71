/* wifi_link.c: see wifi_link.h.
 *
 * Part of emgrig, MIT licence.
 */
#include "wifi_link.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "esp_event.h"
#include "esp_log.h"
#include "esp_netif.h"
#include "esp_wifi.h"
#include "lwip/sockets.h"
#include "nvs_flash.h"

/* The board is its own access point, 192.168.4.1, as in the paper. */
#define SSID "emg-board"
#define PASSWORD "change-me-now" /* at least 8 characters */
#define PORT 4299

static struct emg_board *board;
static int listening = -1;
static int sockets[EMG_MAX_LINKS];
static bool is_gone[EMG_MAX_LINKS];

static size_t receive_bytes(void *context, uint8_t link, uint8_t *bytes, size_t n)
{
    (void)context;
    const int got = recv(sockets[link], bytes, n, MSG_DONTWAIT);
    if ((got == 0) || ((got < 0) && (errno != EAGAIN) && (errno != EWOULDBLOCK))) {
        is_gone[link] = true;
    }
    return (got > 0) ? (size_t)got : 0u;
}

static size_t send_bytes(void *context, uint8_t link, const uint8_t *bytes, size_t n)
{
    (void)context;
    const int gone = send(sockets[link], bytes, n, MSG_DONTWAIT);
    if ((gone < 0) && (errno != EAGAIN) && (errno != EWOULDBLOCK) && (errno != ENOMEM)) {
        is_gone[link] = true;
    }
    return (gone > 0) ? (size_t)gone : 0u;
}

void wifi_link_poll(void)
{
    for (uint8_t link = 0; link < EMG_MAX_LINKS; link++) {
        if (is_gone[link]) {
            is_gone[link] = false;
            emg_disconnected(board, link);
            (void)close(sockets[link]);
            sockets[link] = -1;
        }
        if (sockets[link] < 0) {
            const int on = 1;
            sockets[link] = accept(listening, NULL, NULL); /* does not wait: see O_NONBLOCK */
            if (sockets[link] >= 0) {
                (void)setsockopt(sockets[link], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                emg_connected(board, link);
            }
        }
    }
}

static void listen_at_port(void)
{
    struct sockaddr_in name = {.sin_family = AF_INET,
                               .sin_port = htons(PORT),
                               .sin_addr = {.s_addr = htonl(INADDR_ANY)}};
    listening = socket(AF_INET, SOCK_STREAM, 0);
    if ((listening < 0) || (bind(listening, (struct sockaddr *)&name, sizeof name) != 0) ||
        (listen(listening, EMG_MAX_LINKS) != 0) ||
        (fcntl(listening, F_SETFL, O_NONBLOCK) != 0)) {
        ESP_LOGE("link", "cannot listen: %d", errno);
    }
}

void wifi_link_begin(struct emg_hal *hal, struct emg_board *own)
{
    const wifi_init_config_t init = WIFI_INIT_CONFIG_DEFAULT();
    wifi_config_t config = {.ap = {.ssid = SSID,
                                   .password = PASSWORD,
                                   .max_connection = 2,
                                   .authmode = WIFI_AUTH_WPA2_PSK}};
    board = own;
    for (uint8_t link = 0; link < EMG_MAX_LINKS; link++) {
        sockets[link] = -1;
    }
    ESP_ERROR_CHECK(nvs_flash_init());
    ESP_ERROR_CHECK(esp_netif_init());
    ESP_ERROR_CHECK(esp_event_loop_create_default());
    (void)esp_netif_create_default_wifi_ap();
    ESP_ERROR_CHECK(esp_wifi_init(&init));
    ESP_ERROR_CHECK(esp_wifi_set_mode(WIFI_MODE_AP));
    ESP_ERROR_CHECK(esp_wifi_set_config(WIFI_IF_AP, &config));
    ESP_ERROR_CHECK(esp_wifi_start());
    ESP_ERROR_CHECK(esp_wifi_set_ps(WIFI_PS_NONE)); /* or packets wait for up to 100 ms */
    listen_at_port();
    hal->receive = receive_bytes;
    hal->send = send_bytes;
}
