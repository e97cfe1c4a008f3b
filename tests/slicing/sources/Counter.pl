package My::Mod;
use constant LIMIT => 3;
use constant { A => 1, B => 2 };
our $VERSION = '1';
my %cache;
sub new { my ($class) = @_; return bless {}, $class; }
sub _helper($x) {
  return 1;
}
package Other { sub deep { 1 } }
has name => (is => 'ro');
1;
