/* esp_log.h: lines to standard output.
 *
 * Part of emgrig, MIT licence.
 */
#ifndef ESP_LOG_H
#define ESP_LOG_H

#include <stdio.h>

#define EMGRIG_ESP_LOG(letter, tag, format, ...)                                                   \
    printf(letter " (%s) " format "\n", tag, ##__VA_ARGS__)
#define ESP_LOGE(tag, format, ...) EMGRIG_ESP_LOG("E", tag, format, ##__VA_ARGS__)
#define ESP_LOGW(tag, format, ...) EMGRIG_ESP_LOG("W", tag, format, ##__VA_ARGS__)
#define ESP_LOGI(tag, format, ...) EMGRIG_ESP_LOG("I", tag, format, ##__VA_ARGS__)
#define ESP_LOGD(tag, format, ...) ((void)(tag))
#define ESP_LOGV(tag, format, ...) ((void)(tag))

#endif
