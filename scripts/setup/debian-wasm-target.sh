#!/usr/bin/env bash
# debian-wasm-target.sh: the target wasm32-unknown-unknown from Debian's own Rust for the web, for machines where
# rustup cannot download. Installs rustc-web and friends by apt-get, builds std from Debian's rust-web-src, puts it
# where a shipped std would lie, and links rustup's name "wasm" to that toolchain.
#
#   debian-wasm-target.sh            prepare; print `export NAME=value` lines for the caller (RUSTUP_TOOLCHAIN, or PATH
#                                    where there is no rustup)
#   debian-wasm-target.sh --check    only look: the same lines and exit 0 when ready, 1 when not; change nothing
#
# Needs apt-get, root or sudo, and the crate registry, as cargo is set up.
set -euo pipefail

target=wasm32-unknown-unknown
name=wasm
deb=/usr                                    # prefix of Debian's toolchain, and its sysroot
mode=${1:-}
case $mode in ''|--check) ;; *) echo "usage: debian-wasm-target.sh [--check]" >&2; exit 2 ;; esac

say() { printf 'debian-wasm-target: %s\n' "$*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }

# has_target RUSTC...: does this compiler's sysroot hold a std for the target?
has_target() {
  local dir
  dir=$("$@" --print target-libdir --target "$target" 2>/dev/null) || return 1
  compgen -G "$dir/libstd-*.rlib" >/dev/null
}
# The std that is made here serves exactly the compiler it was made with: it is stamped with it.
deb_stamp() { "$deb/bin/rustc" -vV 2>/dev/null; dpkg-query -W -f '${Version}\n' rust-web-src 2>/dev/null; }
deb_ready() {
  [ -x "$deb/bin/rustc" ] && [ -e "$deb/lib/rustlib/$target/lib/.made-with" ] &&
    [ "$(cat "$deb/lib/rustlib/$target/lib/.made-with")" = "$(deb_stamp)" ] &&
    has_target "$deb/bin/rustc" && have rust-lld
}
linked() { have rustup && [ "$(RUSTUP_AUTO_INSTALL=0 rustup run "$name" rustc --print sysroot 2>/dev/null)" = "$deb" ]; }
use_deb() {
  if have rustup; then echo "export RUSTUP_TOOLCHAIN=$name"; else echo "export PATH=$deb/bin:\$PATH"; fi
}

if deb_ready && { ! have rustup || linked; }; then
  say "ready: toolchain '$name', $("$deb/bin/rustc" --version)"; use_deb; exit 0
fi
if [ "$mode" = --check ]; then say "not ready"; exit 1; fi

have apt-get || { say "no apt-get: install a Rust toolchain with the target $target"; exit 1; }
root=()
if [ "$(id -u)" != 0 ]; then
  have sudo || { say "apt-get needs root"; exit 1; }
  root=(sudo)
fi
if ! deb_ready; then
  apt_get() { DEBIAN_FRONTEND=noninteractive "${root[@]}" apt-get -qq -o DPkg::Lock::Timeout=300 "$@" </dev/null >&2; }
  need=(rustc-web cargo-web rust-web-src rust-web-llvm rust-web-clippy rustfmt-web)
  missing=()
  for p in "${need[@]}"; do
    dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null | grep -qx installed || missing+=("$p")
  done
  # a release's own suite has an older rustc-web than its security suite: update first, take the newest
  if [ ${#missing[@]} -gt 0 ] || ! have rust-lld; then
    say "installing ${need[*]}"
    apt_get update
    apt_get install -y --no-install-recommends "${need[@]}"
    # rust-lld is a link to the lld of one LLVM version: lld-22, say, which is the package's name too
    apt_get install -y --no-install-recommends "$(basename "$(readlink "$deb/bin/rust-lld")")"
  fi

  say "building std for $target with $("$deb/bin/rustc" --version)"
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  mkdir "$work/src"
  echo '#![no_std]' > "$work/src/lib.rs"
  cat > "$work/Cargo.toml" <<'TOML'
[package]
name = "std_seed"
version = "0.0.0"
edition = "2021"
[workspace]
[profile.release]
opt-level = 3
codegen-units = 1
debug = 0
incremental = false
TOML
  # as in a shipped std: bitcode in the rlibs (or `lto` fails downstream), and no path of this machine in the
  # panic messages (what is built with it would otherwise differ from machine to machine)
  hash=$("$deb/bin/rustc" -vV | sed -n 's/^commit-hash: //p')
  flags=(-Cembed-bitcode=yes
    "--remap-path-prefix=$deb/lib/rustlib/src/rust=/rustc/$hash"
    "--remap-path-prefix=$(readlink -f "$deb/lib/rustlib/src/rust")=/rustc/$hash")
  PATH="$deb/bin:$PATH" RUSTC_BOOTSTRAP=1 "$deb/bin/cargo" fetch --quiet --locked --target "$target" \
    --manifest-path "$deb/lib/rustlib/src/rust/library/Cargo.toml" >&2
  for d in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/; do flags+=("--remap-path-prefix=${d%/}=/rust/deps"); done
  ( cd "$work"
    for v in ${!CARGO_BUILD_@} ${!CARGO_PROFILE_@} ${!CARGO_TARGET_@}; do unset "$v"; done
    env -u RUSTUP_TOOLCHAIN -u RUSTDOCFLAGS -u CARGO_ENCODED_RUSTFLAGS -u RUSTC_WRAPPER -u RUSTC_WORKSPACE_WRAPPER \
      PATH="$deb/bin:$PATH" RUSTC="$deb/bin/rustc" RUSTC_BOOTSTRAP=1 RUSTFLAGS="${flags[*]}" \
      "$deb/bin/cargo" build --release --quiet --target "$target" --target-dir "$work/target" \
      -Zbuild-std=core,alloc,std,panic_abort,panic_unwind,test,proc_macro \
      -Zbuild-std-features=panic-unwind,backtrace >&2 )
  mkdir "$work/lib"
  cp "$work/target/$target/release/deps/"*.rlib "$work/lib/"
  rm -f "$work/lib/"libstd_seed-*.rlib
  deb_stamp > "$work/lib/.made-with"
  "${root[@]}" mkdir -p "$deb/lib/rustlib/$target"
  "${root[@]}" rm -rf "$deb/lib/rustlib/$target/lib"
  "${root[@]}" cp -r "$work/lib" "$deb/lib/rustlib/$target/lib"
  "${root[@]}" chmod -R a+rX "$deb/lib/rustlib/$target"
fi
if have rustup && ! linked; then
  rustup toolchain link "$name" "$deb" >&2
fi
# a real link, not just the files' presence
probe=$(mktemp -d)
printf '#[no_mangle] pub extern "C" fn f(x: u32) -> usize { (0..x).map(|i| format!("{i}")).collect::<std::collections::HashSet<_>>().len() }\n' > "$probe/p.rs"
if ! "$deb/bin/rustc" -O --crate-type cdylib --target "$target" -o "$probe/p.wasm" "$probe/p.rs" >&2; then
  rm -rf "$probe"; say "the std made does not link"; exit 1
fi
rm -rf "$probe"
say "done: toolchain '$name', $("$deb/bin/rustc" --version)"
use_deb
