module geometry
  implicit none
  real, parameter :: pi = 3.14
  integer :: counter
  type :: point
    real :: x, y
  contains
    procedure :: norm => point_norm
  end type point
  interface area
    module procedure area_c
  end interface
contains
  function area_c(r) result(a)
    real, intent(in) :: r
    a = r
  end function
  subroutine swap(a, b)
    real :: a, b
  end subroutine swap
end module
program main
  use geometry
end program
submodule (geometry) sub
end submodule
