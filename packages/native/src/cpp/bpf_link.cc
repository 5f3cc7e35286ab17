// SPDX-License-Identifier: Apache-2.0
#include "bpf_link.h"

#include "bpf_error.h"
#include "libbpf_log.h"

static Napi::Value detach_all(const Napi::CallbackInfo &info);

void BpfLink::Register(Napi::Env env, Napi::Object exports)
{
	Napi::Function constructor = DefineClass(env, "NativeLink",
		{InstanceAccessor("attached", &BpfLink::Attached, nullptr),
			InstanceMethod("detach", &BpfLink::Detach)});
	env.GetInstanceData<AddonState>()->link_constructor = Napi::Persistent(constructor);
	exports.Set("detachAll", Napi::Function::New(env, detach_all));
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

struct bpf_link *BpfLink::Take()
{
	struct bpf_link *link = nullptr;
	if (object_ && link_ != nullptr && object_->links.erase(link_) == 1)
		link = link_;
	link_ = nullptr;
	object_.reset();
	return link;
}

int BpfLink::Destroy()
{
	struct bpf_link *link = Take();
	return link == nullptr ? 0 : bpf_link__destroy(link);
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

/* detachAll(links): at the same time */
static Napi::Value detach_all(const Napi::CallbackInfo &info)
{
	auto handles = info[0].As<Napi::Array>();
	std::vector<struct bpf_link *> links;

	for (uint32_t i = 0; i < handles.Length(); i++) {
		struct bpf_link *link = BpfLink::Unwrap(handles.Get(i).As<Napi::Object>())->Take();
		if (link != nullptr)
			links.push_back(link);
	}
	destroy_links(links);
	return info.Env().Undefined();
}
