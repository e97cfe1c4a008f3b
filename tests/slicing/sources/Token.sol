pragma solidity ^0.8.0;
uint constant LIMIT = 3;
error Top(uint a);
interface IToken { function total() external view returns (uint); }
library Math { function add(uint a, uint b) internal pure returns (uint) { return a + b; } }
struct Pair { uint a; }
enum Kind { A, B }
contract Token is IToken {
  using Math for uint;
  type Price is uint128;
  event Sent(address a);
  error Bad(uint a);
  mapping(address => uint) public balances;
  uint public constant MAX = 10;
  struct Item { uint id; }
  enum State { Open, Closed }
  modifier onlyOwner() { _; }
  constructor(uint a) {}
  function send(address to) public onlyOwner returns (bool) { return true; }
  receive() external payable {}
  fallback() external {}
}
function free(uint a) pure returns (uint) { return a; }
