// SPDX-License-Identifier: Apache-2.0
#include "bpf_link.h"

#include "bpf_error.h"
#include "libbpf_log.h"

void BpfLink::Register(Napi::Env env, Napi::Object exports)
{
	Napi::Function constructor = DefineClass(env, "NativeLink",
		{InstanceAccessor("attached", &BpfLink::Attached, nullptr),
			InstanceMethod("detach", &BpfLink::Detach)});
	env.GetInstanceData<AddonState>()->link_constructor = Napi::Persistent(constructor);
}

Napi::Object BpfLink::Wrap(
	Napi::Env env, const std::shared_ptr<ObjectState> &object, struct bpf_link *link)
{
	Napi::Object wrapper;
	try {
		wrapper = env.GetInstanceData<AddonState>()->link_constructor.New({});
	} catch (...) {
		bpf_link__destroy(link);
		throw;
	}
	BpfLink *self = Unwrap(wrapper);
	self->object_ = object;
	self->link_ = link;
	object->links.insert(link);
	return wrapper;
}

BpfLink::BpfLink(const Napi::CallbackInfo &info) : Napi::ObjectWrap<BpfLink>(info)
{
}

BpfLink::~BpfLink()
{
	Destroy();
}

int BpfLink::Destroy()
{
	int result = 0;
	if (object_ && link_ != nullptr && object_->links.erase(link_) == 1)
		result = bpf_link__destroy(link_);
	link_ = nullptr;
	object_.reset();
	return result;
}

Napi::Value BpfLink::Attached(const Napi::CallbackInfo &info)
{
	bool attached = object_ && link_ != nullptr && object_->links.count(link_) == 1;
	return Napi::Boolean::New(info.Env(), attached);
}

Napi::Value BpfLink::Detach(const Napi::CallbackInfo &info)
{
	LibbpfLog log;
	int result = Destroy();
	if (result < 0)
		throw_bpf_error(info.Env(), "detach", result);
	return info.Env().Undefined();
}
