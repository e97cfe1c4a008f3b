"""Members that a language's own types, or most of its libraries, have."""

from __future__ import annotations

from collections.abc import Mapping

_RUBY = """
all? any? append call chomp class clear close compact concat count delete delete_if detect downcase
dup each each_key each_value each_with_index each_with_object empty? end_with? entries eql? fetch
filter find first flat_map flatten flush format freeze frozen? get gsub has_key? hash include? info
inspect instance_of? is_a? join key? keys kind_of? last length lines map match match? max member?
merge merge! message method min name new nil? path pop push puts raise read reject replace
respond_to? reverse rewind scan select send set shift size slice sort split start_with? store strip
sub sum tap then to_a to_ary to_h to_i to_json to_path to_proc to_s to_str to_sym transform type
uniq unshift update upcase values warn write zip
"""

_CSHARP = """
Add AddRange All Any AppendLine Append Clear Close Clone Compare CompareTo Contains ContainsKey Copy
CopyTo Count Create Dispose Equals Find First Flush Format Get GetAsync GetEnumerator GetHashCode
GetMethod GetType GetValue Insert Invoke Join Last Load Max Min Open Parse Peek Pop Push Read
ReadAsync Remove Replace Reset Resize Save Select Set SetValue Slice Sort Split Start StartsWith
Stop Sum ToArray ToList ToString Trim TryAdd TryGetValue TryParse Update Where Write WriteAsync
WriteLine
"""

_JAVA = """
add addAll append apply clear clone close compare compareTo contains containsKey containsValue copy
count create equals filter find first flatMap flush forEach format get getAll getName getType
getValue getClass hasNext hashCode indexOf insert isEmpty iterator join keySet last length list load
map max merge min name newInstance next of open parse peek poll pop print println push put putAll
read remove replace reset run save set size sort split start startsWith stop stream submit substring
sum test toArray toList toString trim update value valueOf values write
"""

_KOTLIN = """
all also any associate associateBy check drop dropLast filterIsInstance filterNot find firstOrNull
fold getOrDefault getOrElse getOrNull getOrPut groupBy in invoke joinToString let lowercase map
mapNotNull minus none orEmpty plus reduce require reversed run single sorted sortedBy take takeIf
to toInt toList toLong toMap toMutableList toSet toTypedArray uppercase use with withIndex zip
"""

_SCALA = """
andThen collect combine compose contains drop exists find flatten fold foldLeft foldRight forall
foreach fromList getOrElse groupBy headOption isDefined keys lift mkString nonEmpty orElse pure
reduce reverse tail take toMap toSeq toSet toVector traverse withFilter zip zipWithIndex
"""

_SWIFT = """
add allSatisfy append cancel close compactMap contains count description dropFirst encode enumerated
filter first firstIndex flatMap forEach get hash index insert joined last load lowercased map max
min next popLast prefix print read reduce remove removeAll removeFirst removeLast removeValue
replace reserveCapacity reset resume reverse reversed run send set shutdown sort sorted split start
stop store string succeed fail suffix sync uppercased update wait write
"""

_RUST = """
add all and and_then any append as_bytes as_mut as_ref as_slice as_str borrow borrow_mut bytes cast
chars clear clone cloned close cmp collect contains contains_key copied count default deref drain
drop entry enumerate eq err expect extend filter find first flat_map flatten flush fmt fold for_each
from get get_mut hash index insert into into_inner into_iter is_empty is_err is_none is_ok is_some
iter iter_mut join keys last len lines load lock map map_err max min ne new next none ok or or_else
parse partial_cmp peek poll pop position push push_str read recv remove replace reserve retain rev
send set size skip sort split splice start starts_with status store sum swap take then to_owned
to_string to_vec trim truncate try_clone try_from try_into unwrap unwrap_or unwrap_or_default
unwrap_or_else update values wait with write write_all write_vectored zip
"""

_CPP = """
append assign at back begin capacity c_str cbegin cend clear close compare contains copy count data
emplace emplace_back empty end erase fill find first front get insert join length load lock lower
max_size merge min move next open pop pop_back pop_front prev push push_back push_front put read
rbegin release remove rend replace reserve reset resize rfind second set shrink_to_fit size sort
splice store str substr swap top unlock upper_bound value wait write
"""

_LUA = """
byte char close find format gmatch gsub len lines lower match read rep reverse seek sub upper write
"""


def _all(*texts: str) -> frozenset[str]:
    return frozenset(" ".join(texts).split())


_COMMON: Mapping[str, frozenset[str]] = {
    "cpp": _all(_CPP),
    "csharp": _all(_CSHARP),
    "java": _all(_JAVA),
    "kotlin": _all(_JAVA, _KOTLIN),
    "lua": _all(_LUA),
    "ruby": _all(_RUBY),
    "rust": _all(_RUST),
    "scala": _all(_JAVA, _SCALA),
    "swift": _all(_SWIFT),
}


def is_common(member: str, language: str) -> bool:
    """Whether the name of a member says nothing about the type that has it."""
    return member in _COMMON.get(language, ())
