"""Files left out whatever the ignore files say: secrets, dependencies, builds, binaries.

Names are compared in lower case. The lists hold what package managers, build tools and editors
document as their own output or download folders; names that are as often source folders (`build`,
`dist`, `lib`, `target`, `external`) are left to `.gitignore`.
"""

from __future__ import annotations

import re
from typing import Final

SECRET: Final = "secret"  # noqa: S105 - a reason, not a password
BINARY: Final = "binary"
GENERATED: Final = "generated"
VENDORED: Final = "vendored"

NEVER_READ: Final = frozenset((SECRET, BINARY))
"""Reasons that no user rule overrides."""

_VERSION_CONTROL = frozenset(
    (".git", ".hg", ".svn", ".bzr", ".jj", ".sl", ".pijul", "_darcs", "_mtn", ".repo")
)


def is_version_control(name: str) -> bool:
    """Whether a folder or file holds a version-control system's own data."""
    return name == "CVS" or name.lower() in _VERSION_CONTROL


_VENDORED_DIRECTORIES = frozenset(
    """
    node_modules bower_components jspm_packages web_modules .yarn .pnpm-store .pnp
    site-packages dist-packages .venv .tox .nox .eggs __pypackages__
      .bundle elm-stuff .stack-work dist-newstyle .cabal-sandbox .dart_tool
    .pub-cache .gradle .m2 .ivy2 .bloop .metals .cargo-home .terraform .serverless
    """.split()
)
_USUAL_FOR_FOREIGN_CODE = frozenset(
    """
    vendor vendored _vendor _vendored third_party third-party thirdparty 3rdparty 3rd_party
    """.split()
)
"""Names of folders that are left out unless git tracks them. The user's own code may be in such
folders as well; third-party code that is tracked is recognised by a mark (`marks.py`).
"""
_GENERATED_DIRECTORIES = frozenset(
    """
    __pycache__ .mypy_cache .pytest_cache .ruff_cache .hypothesis .ipynb_checkpoints
    .next .nuxt .svelte-kit .angular .parcel-cache .turbo .docusaurus .sass-cache .nyc_output
    .cache .ccls-cache .clangd .zig-cache zig-cache .vs
    """.split()
)


def directory_reason(name: str) -> str | None:
    """Why a folder with this name is not entered, or None."""
    lower = name.lower()
    if (
        lower in _VENDORED_DIRECTORIES
        or lower in _USUAL_FOR_FOREIGN_CODE
        or name in ("Pods", "Carthage")
    ):
        return VENDORED
    if lower in _GENERATED_DIRECTORIES or lower.endswith((".egg-info", ".dist-info")):
        return GENERATED
    return None


def is_usual_for_foreign_code(name: str) -> bool:
    """Whether a folder with this name may hold third-party code as well as the user's own."""
    return name.lower() in _USUAL_FOR_FOREIGN_CODE


def path_reason(path: str) -> str | None:
    """Why a file at this relative path is not read, judging only by its names, or None."""
    *folders, name = path.split("/")
    if any(map(is_version_control, folders)):
        return "version control data"
    reasons = map(directory_reason, folders)
    return next(filter(None, reasons), None) or file_reason(name, folders[-1] if folders else "")


_SECRET_NAMES = frozenset(
    """
    .env .flaskenv .netrc _netrc .npmrc .pypirc .pgpass pgpass.conf .my.cnf .mylogin.cnf
    .htpasswd .dockercfg .dockerconfigjson rclone.conf .git-credentials git-credentials
    .gitcookies .cvspass authentication.conf
    .s3cfg .boto .vault-token .terraformrc terraform.rc
    credentials credentials.json credentials.yml credentials.yaml credentials.toml
    secrets.json secrets.yml secrets.yaml secrets.toml secret.json secret.yml secret.yaml
    application_default_credentials.json
    master.key kubeconfig .password-store known_hosts authorized_keys
    """.split()
)
_SECRET_EXTENSIONS = frozenset(
    """
    .pem .key .p12 .pfx .p8 .pk8 .ppk .der .jks .keystore .bks .keychain .kdb .kdbx .gpg
    .pgp .age .ovpn .env .tfvars .tfstate .mobileprovision .agilekeychain
    """.split()
)
_SECRET_PATTERN = re.compile(
    r"""
    (?: \.env [._-] .* | \.envrc .*
      | .*\.env \. (?: local | dev | development | test | staging | prod | production )
      | .*\.tf(?:vars|state) [._-] .*
      | \.vault[_-]?pass .*
      | (?: service[_-]?account | client[_-]?secret | .*-adminsdk | gha-creds- ) .* \.json
      | (?: id | [\w-]+ ) _ (?: rsa | dsa | ecdsa | ed25519 ) (?: [_-] [\w-]* )?
    )""",
    re.VERBOSE,
)
"""File names that tools use for passwords, tokens and keys: dotenv, direnv, Terraform, Ansible, the
consoles of Google Cloud and Firebase, and ssh-keygen.
"""
_MAY_BE_SECRET = re.compile(
    r"\.env|\.tf|\.vault|service|client|adminsdk|gha-creds|_(?:rsa|dsa|ecdsa|ed25519)"
)
_SECRET_PLACES = {
    "config.json": ".docker",
    "config": ".kube",
    "auth.json": ".composer",
    "hosts.yml": "gh",
    "config.yml": "glab-cli",
    "hub": ".config",
}
"""Names that are secret only in a certain folder."""
_COPIES = ("~", ".bak", ".old", ".orig", ".save", ".backup")
"""Endings that editors and people add to the name of a copy."""
_HARMLESS_ENDINGS = (".example", ".sample", ".template", ".dist", ".defaults")
_HARMLESS_NAMES = frozenset(
    f"{dot}{name}.env" for dot in ("", ".") for name in ("example", "sample", "template")
)
"""Templates without secrets."""

_LOCK_FILES = frozenset(
    """
    package-lock.json npm-shrinkwrap.json yarn.lock pnpm-lock.yaml bun.lock bun.lockb deno.lock
    poetry.lock uv.lock pdm.lock pipfile.lock pixi.lock conda-lock.yml cargo.lock composer.lock
    gemfile.lock go.sum go.work.sum mix.lock pubspec.lock podfile.lock cartfile.resolved
    package.resolved packages.lock.json paket.lock flake.lock stack.yaml.lock rebar.lock
    gradle.lockfile .terraform.lock.hcl gopkg.lock glide.lock shard.lock project.assets.json
    .pnp.cjs .pnp.js
    """.split()
)
_GENERATED_ENDINGS = (
    ".min.js",
    ".min.mjs",
    ".min.cjs",
    ".min.css",
    "-min.js",
    "-min.css",
    ".bundle.js",
    ".chunk.js",
    ".chunk.css",
    ".pb.go",
    ".pb.gw.go",
    ".pb.cc",
    ".pb.h",
    "_pb2.py",
    "_pb2_grpc.py",
    "_pb2.pyi",
    "_pb.js",
    "_pb.d.ts",
    ".g.dart",
    ".freezed.dart",
    ".designer.cs",
    ".g.cs",
    ".g.i.cs",
)
_GENERATED_LAST_PARTS = frozenset(ending[1:].rpartition(".")[2] for ending in _GENERATED_ENDINGS)
_GENERATED_EXTENSIONS = frozenset((".map", ".tsbuildinfo", ".snap", ".lcov"))

_BINARY_EXTENSIONS = frozenset(
    """
    .png .jpg .jpeg .jpe .jfif .gif .bmp .ico .icns .cur .tif .tiff .webp .avif .heic .heif .psd
    .psb .xcf .ai .eps .raw .cr2 .nef .dng .tga .dds .exr .hdr .ktx .ktx2 .svgz .indd .sketch
    .fig .blend .fbx .glb .3ds .max .mb .stl .usdz .mp3 .wav .flac .ogg .oga .opus .m4a .aac .wma
    .aif .aiff .mid .midi .mp4 .m4v .mkv .mov .avi .wmv .flv .webm .mpg .mpeg .ogv .3gp .swf .zip
    .tar .gz .tgz .bz2 .tbz .tbz2 .xz .txz .lz .lz4 .lzma .zst .7z .rar .jar .war .ear .aar .whl
    .egg .gem .nupkg .deb .rpm .apk .ipa .dmg .iso .img .pkg .msi .cab .cpio .crx .xpi .vsix
    .snupkg .woff .woff2 .ttf .otf .ttc .eot .pfb .pfm .exe .dll .so .dylib .a .lib .o .obj .ko
    .pdb .ilk .elf .hex .bin .dat .class .dex .pyc .pyo .pyd .beam .wasm .bc .rlib .rmeta
    .nib .swiftmodule .hi .dyn_hi .cmi .cmo .cmx .cma .cmxa .elc .luac .gch .pch .pdf .doc
    .docx .dotx .xls .xlsx .xlsm .ppt .pptx .odt .ods .odp .rtf .epub .mobi .djvu .chm .pages
    .numbers .one .sqlite .sqlite3 .db .db3 .mdb .accdb .dbf .ibd .ldf .mdf .rdb .lmdb .npy
    .npz .pkl .pickle .joblib .h5 .hdf5 .hdf .pt .pth .onnx .pb .tflite .safetensors .gguf .ggml
    .ckpt .caffemodel .mlmodel .mat .parquet .feather .arrow .avro .orc .rds .rda .sas7bdat .dta
    .sav .grib .fits .tfrecord .pcap .pcapng .cap .dmp .swp .swo .ds_store .bak
    .gmo .qm .resources .snk .cer .crt .crl .csr .p7b .p7s .unitypackage .uasset .umap .pak
    .wad .rom .nes .gba .vmdk .vdi .qcow2 .ova .torrent
    """.split()
)


def file_reason(name: str, folder: str = "") -> str | None:
    """Why a file with this name, in a folder with that name, is not read, or None."""
    lower = name.lower()
    dot = lower.rfind(".")
    extension = lower[dot:] if dot >= 0 else ""
    if _is_secret(lower, extension, folder):
        return SECRET
    if extension in _BINARY_EXTENSIONS:
        return BINARY
    if extension in _GENERATED_EXTENSIONS or lower in _LOCK_FILES:
        return GENERATED
    if extension[1:] in _GENERATED_LAST_PARTS and lower.endswith(_GENERATED_ENDINGS):
        return GENERATED
    return None


def built_in_rule(name: str, folder: str, *, is_directory: bool) -> str:
    """The built-in list that leaves out a folder or file with this name, in words for users."""
    if is_directory:
        return f"folders called {name}"
    extension = name.lower()[name.rfind(".") :] if "." in name else ""
    return {
        SECRET: "names of files that hold secrets",
        BINARY: f"the extension {extension}",
        GENERATED: "names of generated files",
    }.get(file_reason(name, folder) or "", "nothing")


def _is_secret(lower: str, extension: str, folder: str) -> bool:
    if lower.endswith(_COPIES):
        while lower.endswith(_COPIES):
            lower = lower[:-1] if lower[-1] == "~" else lower.rpartition(".")[0]
        extension = lower[lower.rfind(".") :] if "." in lower else ""
    if extension in _SECRET_EXTENSIONS:
        return lower not in _HARMLESS_NAMES
    if lower in _SECRET_NAMES or _SECRET_PLACES.get(lower) == folder.lower():
        return True
    if not _MAY_BE_SECRET.search(lower) or extension in _HARMLESS_ENDINGS:
        return False
    return _SECRET_PATTERN.fullmatch(lower) is not None
