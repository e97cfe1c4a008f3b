{-# LANGUAGE LambdaCase #-}

-- | Shapes in the plane, and what can be said of them.
module Shapes
  ( Shape (..)
  , area
  , HasArea
  ) where

import qualified Data.Map.Strict as Map
import Data.Maybe (fromMaybe)

-- | Lengths are in metres.
type Length = Double

newtype Name = Name { unName :: String }
  deriving (Eq, Ord)

-- | A closed figure.
data Shape
  = Circle Length
  | Rectangle Length Length
  | Polygon [(Double, Double)]
  deriving (Eq, Show)

class HasArea a where
  areaOf :: a -> Double
  areaOf _ = 0

  isEmpty :: a -> Bool
  isEmpty shape = areaOf shape == 0

instance HasArea Shape where
  areaOf = area

-- | The area that a shape covers.
area :: Shape -> Double
area (Circle radius) = pi * radius * radius
area (Rectangle width height) = width * height
area (Polygon corners) = abs (sum (zipWith cross corners (rotate corners))) / 2
  where
    cross (x, y) (u, v) = x * v - y * u
    rotate xs = drop 1 xs ++ take 1 xs

limit :: Int
limit = 12

describe :: Map.Map Name Shape -> Name -> String
describe shapes name =
  case Map.lookup name shapes of
    Nothing -> "no shape"
    Just shape
      | areaOf shape > 100 -> "large"
      | otherwise -> "small"

infixr 5 <+>

(<+>) :: Shape -> Shape -> [Shape]
left <+> right = [left, right]

type family Elem c where
  Elem [a] = a

main :: IO ()
main = do
  let shapes = Map.fromList [(Name "disc", Circle 2)]
  putStrLn (describe shapes (Name "disc"))
  print (fromMaybe 0 (area <$> Map.lookup (Name "disc") shapes))
