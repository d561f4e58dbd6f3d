// `credpool/store-conformance`: what every store must do, for whoever writes one.
export * from "./store/conformance/index.js";
