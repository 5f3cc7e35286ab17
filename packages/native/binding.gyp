{
  "targets": [
    {
      "target_name": "addon",
      "sources": [
        "src/cpp/addon.cc",
        "src/cpp/bpf_error.cc",
        "src/cpp/bpf_link.cc",
        "src/cpp/bpf_object.cc",
        "src/cpp/event_reader.cc",
        "src/cpp/event_reader_loop.cc",
        "src/cpp/libbpf_log.cc",
        "src/cpp/map_functions.cc",
        "src/cpp/perf_source.cc",
        "src/cpp/probe_functions.cc",
        "src/cpp/return_probe.cc",
        "src/cpp/program_attach.cc",
        "src/cpp/program_functions.cc",
        "src/cpp/ring_source.cc"
      ],
      "include_dirs": ["<(node_addon_api)", "<(libbpf_include)"],
      "defines": ["NAPI_VERSION=8", "NAPI_CPP_EXCEPTIONS", "NODE_ADDON_API_DISABLE_DEPRECATED"],
      "cflags!": ["-fno-exceptions"],
      "cflags_cc!": ["-fno-exceptions", "-std=gnu++20", "-std=gnu++17"],
      "cflags_cc": [
        "-std=c++17",
        "-fexceptions",
        "-fvisibility=hidden",
        "-fvisibility-inlines-hidden",
        "-ffunction-sections",
        "-Wall",
        "-Wextra",
        "-Wno-unused-parameter",
        "-Wno-missing-field-initializers"
      ],
      "libraries": ["<(libbpf_lib)/libbpf.a", "<(libbpf_lib)/libelf.a", "<(libbpf_lib)/libeu.a"],
      "ldflags": ["-Wl,--exclude-libs,ALL", "-Wl,--gc-sections", "-Wl,-z,now"]
    }
  ]
}
