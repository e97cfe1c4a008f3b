//! Dense matrices of floating point numbers.

use std::fmt;
use std::ops::{Add, Index};

/// The largest side of a matrix.
pub const MAX_SIDE: usize = 4096;

static COUNTER: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);

pub type Row = Vec<f64>;

/// A matrix, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    rows: usize,
    columns: usize,
    values: Vec<f64>,
}

#[derive(Debug)]
#[non_exhaustive]
pub enum ShapeError {
    Empty,
    Ragged { row: usize, expected: usize },
    TooLarge(usize),
}

/// Things with a size in two directions.
pub trait Shape {
    const DIMENSIONS: usize = 2;

    fn shape(&self) -> (usize, usize);

    fn is_square(&self) -> bool {
        let (rows, columns) = self.shape();
        rows == columns
    }
}

impl Matrix {
    /// A matrix of zeros.
    pub fn zeros(rows: usize, columns: usize) -> Self {
        let values = vec![0.0; rows * columns];
        Self { rows, columns, values }
    }

    pub fn from_rows(rows: &[Row]) -> Result<Self, ShapeError> {
        let first = rows.first().ok_or(ShapeError::Empty)?;
        let mut matrix = Self::zeros(rows.len(), first.len());
        for (index, row) in rows.iter().enumerate() {
            if row.len() != matrix.columns {
                return Err(ShapeError::Ragged { row: index, expected: matrix.columns });
            }
            let start = index * matrix.columns;
            matrix.values[start..start + row.len()].copy_from_slice(row);
        }
        Ok(matrix)
    }
}

impl Shape for Matrix {
    fn shape(&self) -> (usize, usize) {
        (self.rows, self.columns)
    }
}

impl<'a> Add<&'a Matrix> for &'a Matrix {
    type Output = Matrix;

    fn add(self, other: &Matrix) -> Matrix {
        let mut sum = self.clone();
        for (left, right) in sum.values.iter_mut().zip(&other.values) {
            *left += right;
        }
        sum
    }
}

/// Builds a matrix from nested lists.
#[macro_export]
macro_rules! matrix {
    ($([$($value:expr),*]),* $(,)?) => {
        $crate::Matrix::from_rows(&[$(vec![$($value as f64),*]),*])
    };
}

union Bits {
    float: f64,
    integer: u64,
}

pub mod io {
    use super::Matrix;

    /// Reads one row a line.
    pub fn parse(text: &str) -> Option<Matrix> {
        let rows: Option<Vec<Vec<f64>>> = text
            .lines()
            .map(|line| line.split_whitespace().map(|word| word.parse().ok()).collect())
            .collect();
        Matrix::from_rows(&rows?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_are_square() {
        assert!(Matrix::zeros(2, 2).is_square());
        assert_eq!(Matrix::zeros(2, 3).shape(), (2, 3));
    }
}

cfg_threads! {
    /// Sums the rows in threads.
    #[derive(Default)]
    pub struct Summer {
        threads: usize,
    }

    impl Summer {
        pub fn sum(&self, matrix: &Matrix) -> f64 {
            let half = matrix.values.len() / 2;
            let (left, right) = matrix.values.split_at(half);
            left.iter().chain(right).sum()
        }
    }
}
