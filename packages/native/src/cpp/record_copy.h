// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstring>

#include "event_source.h"

/** Room a record of `length` bytes takes in a slab: header, payload, padding to 8 bytes. */
inline size_t RecordBytes(size_t length)
{
	return 8 + ((length + 7) & ~size_t{7});
}

/** Writes a record the way slabs hold it: u32 length, u32 cpu, payload, zeros up to 8 bytes. */
inline void CopyRecord(uint8_t *target, const EventRecord &record)
{
	size_t length = size_t{record.first_length} + record.second_length;
	uint32_t header[2] = {static_cast<uint32_t>(length), record.cpu};
	memcpy(target, header, sizeof(header));
	target += sizeof(header);
	memcpy(target, record.first, record.first_length);
	if (record.second_length != 0)
		memcpy(target + record.first_length, record.second, record.second_length);
	memset(target + length, 0, RecordBytes(length) - 8 - length);
}
