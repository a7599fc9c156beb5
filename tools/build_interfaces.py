"""Make Python message packages from .msg files with the generators that rclpy's wheels bring, and a C compiler.

    python tools/build_interfaces.py test/interfaces/tf2_msgs OUT

Tests use it for packages that are not on PyPI: afterwards `import tf2_msgs.msg` works with OUT on PYTHONPATH, and its
messages meet the real ones on the wire (same layout, same type hash). Where ROS comes from packages nobody needs this.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

PREFIX = Path(sys.prefix)
INCLUDES = [str(PREFIX / "include"), *(str(path) for path in (PREFIX / "include").iterdir() if path.is_dir())]


def arguments(package: str, files: list[Path], out: Path, generator: str, dependencies: list[str]) -> str:
    """The file of arguments that every generator reads."""
    found = {
        "package_name": package,
        "output_dir": str(out),
        "template_dir": str(PREFIX / "share" / generator / "resource"),
        "idl_tuples": [f"{out}:msg/{file.stem}.idl" for file in files],
        "ros_interface_files": [str(file) for file in files],
        "ros_interface_dependencies": [
            f"{name}:{path}" for name in dependencies for path in (PREFIX / "share" / name).rglob("*.idl")
        ],
        "include_paths": [f"{name}:{PREFIX / 'share' / name}" for name in dependencies],
        "type_description_tuples": [f"msg/{file.stem}.idl:{out}/msg/{file.stem}.json" for file in files],
        "target_dependencies": [],
    }
    path = out / f"{generator}.json"
    path.write_text(json.dumps(found))
    return str(path)


def generate(source: Path, out: Path) -> None:
    """C, its type support and Python of one package, below out/package."""
    from rosidl_adapter.msg import convert_msg_to_idl
    from rosidl_generator_c import generate_c
    from rosidl_generator_py.generate_py_impl import generate_py
    from rosidl_generator_type_description import generate_type_hash
    from rosidl_typesupport_c import generate_c as generate_dispatch
    from rosidl_typesupport_fastrtps_c import generate_typesupport_fastrtps_c

    package, files = source.name, sorted((source / "msg").glob("*.msg"))
    shared = [path.name for path in (PREFIX / "share").glob("*_msgs")] + ["builtin_interfaces"]
    out = out / package
    (out / "msg").mkdir(parents=True, exist_ok=True)
    for file in files:
        convert_msg_to_idl(source, package, Path("msg") / file.name, out / "msg")

    def given(generator: str) -> str:
        return arguments(package, files, out, generator, shared)

    generate_type_hash(given("rosidl_generator_type_description"))
    generate_c(given("rosidl_generator_c"))
    generate_typesupport_fastrtps_c(given("rosidl_typesupport_fastrtps_c"))
    generate_dispatch(given("rosidl_typesupport_c"), ["rosidl_typesupport_fastrtps_c"])
    generate_py(given("rosidl_generator_py"), ["rosidl_typesupport_c"])
    for generator in ("rosidl_generator_c", "rosidl_typesupport_fastrtps_c"):
        template = PREFIX / "share" / generator / "resource" / f"{generator}__visibility_control.h.in"
        text = template.read_text().replace("@PROJECT_NAME_UPPER@", package.upper()).replace("@PROJECT_NAME@", package)
        (out / "msg" / template.name.removesuffix(".in")).write_text(text)
    (out / "__init__.py").write_text("")


def build(out: Path, package: str) -> None:
    """Compile and link one package's sources to the one library that its Python module loads."""
    folder = out / package
    include = [sysconfig.get_path("include"), numpy_include(), *INCLUDES, str(out)]
    flags = ["-O0", "-fPIC", "-w", "-DROSIDL_TYPESUPPORT_FASTRTPS_C_BUILDING_DLL", *(f"-I{path}" for path in include)]
    sources = [p for p in folder.rglob("*") if p.suffix in (".c", ".cpp")]
    running = []
    for number, path in enumerate(sources):
        compiler = ["gcc"] if path.suffix == ".c" else ["g++", "-std=c++17"]
        made = folder / f"{number}.o"
        running.append((made, subprocess.Popen([*compiler, *flags, "-c", str(path), "-o", str(made)])))
        if len(running) % (os.cpu_count() or 1) == 0:
            running[-1][1].wait()
    objects = [made for made, process in running if process.wait() == 0]
    if len(objects) != len(sources):
        raise SystemExit(f"{package}: expected {len(sources)} objects, got {len(objects)}")
    wanted = ("rosidl_generator_c", "rosidl_generator_py", "rosidl_typesupport_fastrtps_c", "rosidl_typesupport_c")
    libraries = [p for p in (PREFIX / "lib").glob("lib*.so") if p.stem.endswith(wanted)]
    libraries += [p for p in (PREFIX / "lib").glob("lib*.so") if p.stem[3:] in BASE]
    module = folder / f"{package}_s__rosidl_typesupport_c{sysconfig.get_config_var('EXT_SUFFIX')}"
    subprocess.run(
        ["g++", "-shared", "-o", str(module), *map(str, objects), *map(str, libraries), f"-Wl,-rpath,{PREFIX}/lib"],
        check=True,
    )
    for made in objects:
        made.unlink()


BASE = ("rosidl_runtime_c", "rosidl_typesupport_fastrtps_cpp", "rcutils", "rmw", "fastcdr")


def numpy_include() -> str:
    """Where NumPy's C headers are: sequences of numbers become arrays."""
    import numpy

    return numpy.get_include()


def main() -> None:
    """Make every package named, in this order."""
    *sources, out = map(Path, sys.argv[1:])
    for source in sources:
        generate(source.resolve(), out.resolve())
        build(out.resolve(), source.name)


if __name__ == "__main__":
    main()
