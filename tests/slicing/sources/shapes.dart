library geo;
import 'dart:math';
const double pi2 = 6.28;
final cache = <String, int>{};
int counter = 0;
typedef Mapper = int Function(int);
enum Color { red, green; int get code => 1; }
mixin Walks { void walk() {} }
extension Extra on String { bool get blank => isEmpty; }
abstract class Shape extends Base with Walks implements Other {
  static const int sides = 4;
  final double width;
  Shape(this.width);
  Shape.named(this.width);
  factory Shape.of(double w) => Square(w);
  double get area => width;
  set area(double v) { }
  double scale(double by) {
    return width * by;
  }
  bool operator ==(Object o) => true;
}
void main() { print(1); }
int get top => 3;
