// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include <napi.h>

#include "object_state.h"

/** JavaScript handle of one attached program. The attachment ends by detach(), with its object, or
 * with the handle. */
class BpfLink : public Napi::ObjectWrap<BpfLink>
{
      public:
	static void Register(Napi::Env env, Napi::Object exports);
	/** Wraps a link libbpf has just made; the object's state takes care of the order of
	 * destruction. */
	static Napi::Object Wrap(
		Napi::Env env, const std::shared_ptr<ObjectState> &object, struct bpf_link *link);

	/** Takes the link out of the handle, to be destroyed by the caller; nullptr: there is none.
	 */
	struct bpf_link *Take();

	explicit BpfLink(const Napi::CallbackInfo &info);
	~BpfLink() override;

      private:
	Napi::Value Attached(const Napi::CallbackInfo &info);
	Napi::Value Detach(const Napi::CallbackInfo &info);
	int Destroy();

	std::shared_ptr<ObjectState> object_;
	struct bpf_link *link_ = nullptr;
};
