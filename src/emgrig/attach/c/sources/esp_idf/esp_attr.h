/* esp_attr.h: where code lies does not matter here.
 *
 * Part of emgrig, MIT licence.
 */
#ifndef ESP_ATTR_H
#define ESP_ATTR_H

#define IRAM_ATTR
#define DRAM_ATTR
#define WORD_ALIGNED_ATTR

#endif
