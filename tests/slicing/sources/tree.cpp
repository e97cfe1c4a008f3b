#include "tree.hpp"

#include <memory>
#include <utility>
#include <vector>

#define TREE_CHECK(condition) \
  do {                        \
    if (!(condition)) abort(); \
  } while (false)

namespace forest {
namespace detail {

constexpr int kLargestDepth = 64;

// A node owns what is below it.
template <typename Key, typename Value>
struct Node {
  Key key;
  Value value;
  std::unique_ptr<Node> left;
  std::unique_ptr<Node> right;
};

}  // namespace detail

enum class Order { kPrefix, kInfix, kPostfix };

using Path = std::vector<int>;

/// A search tree that is not balanced.
template <typename Key, typename Value>
class Tree {
 public:
  Tree() = default;
  explicit Tree(std::size_t hint);
  ~Tree() { clear(); }

  bool empty() const { return root_ == nullptr; }

  /// Inserts or replaces.
  void insert(Key key, Value value) {
    auto* place = &root_;
    while (*place) {
      place = key < (*place)->key ? &(*place)->left : &(*place)->right;
    }
    *place = std::make_unique<detail::Node<Key, Value>>();
    (*place)->key = std::move(key);
    (*place)->value = std::move(value);
    ++size_;
  }

  bool operator==(const Tree& other) const {
    return size_ == other.size_ && same(root_.get(), other.root_.get());
  }

 private:
  std::unique_ptr<detail::Node<Key, Value>> root_;
  std::size_t size_ = 0;
};

template <typename Key, typename Value>
Tree<Key, Value>::Tree(std::size_t hint) {
  TREE_CHECK(hint < detail::kLargestDepth);
  root_ = nullptr;
  size_ = 0;
}

FOREST_NAMESPACE_BEGIN

// Goes through a tree without changing it.
class FOREST_EXPORT Walker final : public detail::Base {
 public:
  explicit Walker(Order order);
  Path follow(const Path& from) const;

 private:
  Order order_;
};

Path Walker::follow(const Path& from) const {
  Path result;
  for (int step : from) {
    if (step < 0) break;
    result.push_back(step);
  }
  return result;
}

TEST(WalkerTest, FollowsNothing) {
  Walker walker(Order::kPrefix);
  EXPECT_TRUE(walker.follow({}).empty());
  EXPECT_EQ(walker.follow({1, -1}).size(), 1);
}

TEST(WalkerTest, FollowsAll) {
  Walker walker(Order::kInfix);
  EXPECT_EQ(walker.follow({1, 2}).size(), 2);
  EXPECT_EQ(walker.follow({1, 2, 3}).size(), 3);
}

}  // namespace forest

int main(int argc, char** argv) {
  forest::Tree<int, int> tree;
  for (int index = 1; index < argc; ++index) {
    tree.insert(std::atoi(argv[index]), index);
  }
  return tree.empty() ? 1 : 0;
}
