#!/usr/bin/env bash
# Builds the program as one static file, which needs nothing of the machine it runs on, and prints where it is.
#
#   tests/static.sh
#
# rustup's compiler has no standard library for musl where only package registries can be reached: Debian's has its
# source. The linker is zig's, from PyPI. Root, Debian 12.
set -euo pipefail
cd "$(dirname "$0")/.."

place=$PWD/target/static
target=x86_64-unknown-linux-musl
zig=0.13.0
packages=(rustc-web cargo-web rust-web-src)
dpkg-query --show "${packages[@]}" >/dev/null 2>&1 || tests/testbed/lib/apt-install.sh "${packages[@]}" >&2

mkdir -p "$place"
if [ ! -d "$place/ziglang" ]; then
  python3 -m pip --quiet install --target "$place/zig.new" "ziglang==$zig" >&2
  mv "$place/zig.new/ziglang" "$place/ziglang"
  rm -r "$place/zig.new"
fi
# zig brings its own start files and libraries, and does not know what the compiler says about them. By the name of its
# linker the compiler knows how to talk to it.
linker=$place/musl-gcc
cat >"$linker" <<SCRIPT
#!/usr/bin/env bash
arguments=()
for argument in "\$@"; do
  case \$argument in -nodefaultlibs | -nostartfiles | -m64) ;; *) arguments+=("\$argument") ;; esac
done
exec "$place/ziglang/zig" cc -target x86_64-linux-musl "\${arguments[@]}"
SCRIPT
chmod +x "$linker"

# The compiler is Debian's, and this builds its standard library. Nothing in the environment may say otherwise.
env --unset=RUSTUP_TOOLCHAIN --unset=CARGO_ENCODED_RUSTFLAGS RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc \
  RUSTFLAGS='-C link-self-contained=no' CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_LINKER="$linker" \
  /usr/bin/cargo build --release --bin docker-clearml-migrate -Z build-std=std,panic_unwind \
  --target "$target" --target-dir "$place/build" >&2
echo "$place/build/$target/release/docker-clearml-migrate"
