module Orbits
const G = 6.6
abstract type Body end
struct Star <: Body
  mass::Float64
end
mutable struct Planet{T}
  a::T
  Planet(a) = new(a)
end
period(a, m) = 2a
function orbit!(s::Star, p; quiet=false) where T
  x = 1
end
Base.show(io::IO, s::Star) = print(io)
function Base.length(s::Star) 1 end
macro check(e) e end
primitive type P 8 end
@enum Fruit apple=1 orange
end
