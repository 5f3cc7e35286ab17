// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <napi.h>

/** What one JavaScript thread (one environment) of the addon keeps. */
struct AddonState {
	Napi::FunctionReference error_factory;
	Napi::FunctionReference link_constructor;
};

/**
 * Throws the JavaScript error that the factory given by setErrorFactory makes of (operation, errno,
 * log).
 * @param error an errno, of either sign; libbpf's own codes (>= 4000) are passed on as they are
 */
[[noreturn]] void throw_bpf_error(Napi::Env env, const std::string &operation, int error);

/** The same with an explicit text instead of what libbpf printed. */
[[noreturn]] void throw_bpf_error(
	Napi::Env env, const std::string &operation, int error, const std::string &log);
