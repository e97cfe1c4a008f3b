param([string]$Path)
$Limit = 3
function Get-Thing {
  param($A)
  return $A
}
filter Keep-It { $_ }
class Point {
  [int]$X
  Point([int]$x) { $this.X = $x }
  [int] Sum() { return $this.X }
}
enum Level { Low; High }
configuration Web { }
