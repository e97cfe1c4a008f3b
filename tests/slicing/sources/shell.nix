{ pkgs, lib, ... }:
let
  version = "1";
  mk = name: value: { inherit name value; };
in
{
  options.services.foo = { enable = 1; };
  packages.default = mk "a" 1;
  shell = pkgs.mkShell { };
}
