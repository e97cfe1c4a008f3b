#import <Foundation/Foundation.h>
#define LIMIT 3
typedef NS_ENUM(NSInteger, Mode) { ModeA, ModeB };
@protocol Drawable <NSObject>
- (void)draw;
@property (nonatomic) int size;
@end
@interface Shape : NSObject <Drawable>
@property (nonatomic, strong) NSString *name;
- (instancetype)initWithName:(NSString *)name size:(int)size;
+ (Shape *)shared;
@end
@interface Shape (Extra)
- (void)extra;
@end
@implementation Shape {
  int _count;
}
- (instancetype)initWithName:(NSString *)name size:(int)size {
  return self;
}
+ (Shape *)shared { return nil; }
@end
static int helper(int a) { return a; }
struct pair { int a; };
const int kMax = 3;
