// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <napi.h>

/** bpf() map commands by file descriptor (map_functions.cc). */
void register_map_functions(Napi::Env env, Napi::Object exports);
/** Loading programs from instructions, program information, run time statistics
 * (program_functions.cc). */
void register_program_functions(Napi::Env env, Napi::Object exports);
/** What the running kernel supports, found by trying (probe_functions.cc). */
void register_probe_functions(Napi::Env env, Napi::Object exports);
/** How return probes work here, found by trying (return_probe.cc). */
void register_return_probe_functions(Napi::Env env, Napi::Object exports);
