// The EMG board on an ESP32 by Arduino: one ADS1299, the board link over Wi-Fi and TCP, port 4299.
//
// Part of emgrig, MIT licence.
#include <WiFi.h>
#include <lwip/sockets.h>  // send

#include "chips.h"

static const char SSID[] = "emg-board";
static const char PASSWORD[] = "change-me-now";  // at least 8 characters

static struct emg_board board;
static struct emg_hal hal;
static struct emg_facts facts;
static WiFiServer server(4299);
static WiFiClient client;

static size_t receive_bytes(void *, uint8_t, uint8_t *bytes, size_t n)
{
    const int there = client.available();
    if (there <= 0) {
        return 0;
    }
    const int got = client.read(bytes, (size_t)there < n ? (size_t)there : n);
    return got > 0 ? (size_t)got : 0;
}

static size_t send_bytes(void *, uint8_t, const uint8_t *bytes, size_t n)
{
    const int gone = send(client.fd(), bytes, n, MSG_DONTWAIT);
    return gone > 0 ? (size_t)gone : 0;
}

static void reboot(void *) { ESP.restart(); }

static void look_at_link()
{
    if (board.links[0].is_open && !client.connected()) {
        emg_disconnected(&board, 0);
        client.stop();
    }
    if (!board.links[0].is_open) {
        client = server.accept();
        if (client) {
            client.setNoDelay(true);
            emg_connected(&board, 0);
        }
    }
}

void setup()
{
    facts.serial_number = "0001";  // of this board: give each its own
    facts.firmware_version = "1.0.0";
    facts.git_revision = "not told";
    facts.n_chips = 1;
    facts.channels_per_chip = 8;
    facts.lines = 7;
    facts.f_clk_hz = 2048000;
    facts.vref_uv = 4500000;
    facts.channels_wired = 0xFF;
    facts.capabilities = EMG_CAN_SET_LINE | EMG_CAN_REBOOT;
    facts.transmit_bytes = EMG_TX_BYTES;
    facts.linger_us = 60000000u;
    hal.receive = receive_bytes;
    hal.send = send_bytes;
    hal.reboot = reboot;
    chips_begin(&hal, &board);
    WiFi.softAP(SSID, PASSWORD);
    WiFi.setSleep(false);  // or packets wait for up to 100 ms
    server.begin();
    emg_board_init(&board, &hal, &facts);
    emg_boot(&board, EMG_CAUSE_POWER_ON);
}

void loop()
{
    look_at_link();
    if (!emg_poll(&board)) {
        yield();
    }
}
