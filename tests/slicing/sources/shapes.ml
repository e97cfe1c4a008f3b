open List
(** Shapes. *)
exception Bad of string
type point = { x : int; y : int }
type shape = Circle of float | Square
module M = struct
  let inner a = a
end
module type S = sig val f : int -> int end
module F (X : S) = struct let g = 1 end
let limit = 3
let rec fact n = if n = 0 then 1 else n * fact (n - 1)
and other x = x
let ( + ) a b = a
external c_fun : int -> int = "c_fun"
class counter = object val mutable n = 0 method incr = n <- n + 1 end
let () = print_string "x"
