/* esp_rom_sys.h: a wait that keeps the processor.
 *
 * Part of emgrig, MIT licence.
 */
#ifndef ESP_ROM_SYS_H
#define ESP_ROM_SYS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
void esp_rom_delay_us(uint32_t us);
#ifdef __cplusplus
}
#endif
#endif
